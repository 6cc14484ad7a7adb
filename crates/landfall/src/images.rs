//! The images of this machine: files in the state's `images` folder, each with a manifest beside it that says what it is
//! and which names it goes by. The manifests are what a server registers at its start, and when it is told to look again.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use landfall_control::seed::id_from;
use landfall_model::image::ImageName;
use landfall_model::plan::DirectBoot;
use landfall_model::{Image, ImageId, ImageSource, SnapshotKind, Timestamp};
use landfall_node::image::BuiltImage;

/// The owner of images that Landfall builds from Debian: Debian's own account, so that look-ups find them.
pub const DEBIAN_OWNER: &str = "136693071363";
const MANIFEST: &str = "image.json";

/// The folder of images in a state folder.
pub fn folder(state: &Path) -> PathBuf {
    state.join("images")
}

/// All images of a folder, by name. A manifest that can't be read is an error: a launch would miss it later.
pub fn load(folder: &Path) -> Result<Vec<Image>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", folder.display())),
    };
    let mut images = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&format!(".{MANIFEST}"))) {
            let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            images.push(serde_json::from_slice::<Image>(&text).with_context(|| format!("reading {}", path.display()))?);
        }
    }
    images.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    Ok(images)
}

/// The name that an image was made under.
pub fn name_of(image: &Image) -> &str {
    image.names.first().map_or("", |name| &name.name)
}

/// Writes an image's manifest.
pub fn save(folder: &Path, image: &Image) -> Result<()> {
    let path = folder.join(format!("{}.{MANIFEST}", name_of(image).replace('/', "_")));
    let temporary = path.with_extension("new");
    std::fs::write(&temporary, serde_json::to_vec_pretty(image)?)
        .and_then(|()| std::fs::rename(&temporary, &path))
        .with_context(|| format!("writing {}", path.display()))
}

/// The record of an image that was built or imported.
pub fn describe(built: &BuiltImage, owner: &str, alias: &str, now: Timestamp) -> Result<Image> {
    let file = |path: &Path| {
        let name = path.file_name().context("an image has a file name")?;
        Ok::<_, anyhow::Error>(name.to_string_lossy().into_owned())
    };
    let id: ImageId = id_from(&format!("{} {}", built.name, built.sha256));
    let direct_boot = match &built.kernel {
        None => None,
        Some(kernel) => Some(DirectBoot {
            kernel: file(kernel)?,
            initrd: built.initrd.as_deref().map(file).transpose()?,
            cmdline: built.cmdline.clone().unwrap_or_default(),
        }),
    };
    Ok(Image {
        id,
        names: vec![ImageName { name: built.name.clone(), owner: owner.to_owned(), alias: Some(alias.to_owned()), id }],
        description: built.description.clone(),
        size_gib: u32::try_from(built.virtual_size_bytes.div_ceil(1 << 30)).unwrap_or(u32::MAX),
        snapshot: id.cast::<SnapshotKind>(),
        root_device: "/dev/xvda".to_owned(),
        architecture: "x86_64".to_owned(),
        min_memory_mib: u64::from(built.min_ram_mib),
        platform_details: "Linux/UNIX".to_owned(),
        imds_v2: false,
        source: ImageSource::File { file: file(&built.path)?, size_bytes: built.virtual_size_bytes, direct_boot },
        created_at: now,
    })
}
