//! `landfall image`: builds, imports, names and lists machine images. A server that runs is told to look again.

use std::cell::RefCell;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use landfall_model::image::ImageName;
use landfall_model::{Image, Timestamp};
use landfall_node::image::{self, DebianOptions, Format, ImportLimits, MiniOptions, Progress};

use crate::cli::{AliasArgs, BuildArgs, DiskFormat, ImageCommand, ImportArgs, Recipe};
use crate::config::image_state;
use crate::images::{DEBIAN_OWNER, describe, folder, load, name_of, save};
use crate::{client, record};

/// Who owns images that were imported: the provider.
const PROVIDER_OWNER: &str = "000000000000";

pub fn run(command: ImageCommand, json: bool) -> Result<()> {
    match command {
        ImageCommand::Build(args) => build(&args, json),
        ImageCommand::Import(args) => import(&args, json),
        ImageCommand::Alias(args) => alias(&args, json),
        ImageCommand::List(args) => {
            load(&folder(&image_state(args.state.as_deref())?))?.iter().for_each(|image| show(image, json));
            Ok(())
        }
    }
}

fn build(args: &BuildArgs, json: bool) -> Result<()> {
    let state = image_state(args.folder.state.as_deref())?;
    let out_dir = folder(&state);
    let prefix = match args.which {
        Recipe::Mini => "landfall-mini-",
        Recipe::Debian => "debian-12-amd64-",
    };
    if let Some(image) =
        load(&out_dir)?.iter().rev().find(|image| name_of(image).starts_with(prefix)).filter(|_| !args.again)
    {
        tell_servers(&state);
        show(image, json);
        return Ok(());
    }
    make_private(&out_dir)?;
    let (work_dir, apt_cache) = (state.join("work"), state.join("packages"));
    let bar = Bar::new(json);
    let report = |progress: Progress<'_>| bar.show(progress);
    let built = match args.which {
        Recipe::Mini => image::build_mini(&MiniOptions { work_dir, out_dir: out_dir.clone(), apt_cache }, &report),
        Recipe::Debian => {
            let options = DebianOptions { work_dir, out_dir: out_dir.clone(), apt_cache, mirror: None };
            image::build_debian(&options, &report)
        }
    };
    drop(bar);
    let image = describe(&built?, DEBIAN_OWNER, "amazon", now()?)?;
    save(&out_dir, &image)?;
    tell_servers(&state);
    show(&image, json);
    Ok(())
}

fn import(args: &ImportArgs, json: bool) -> Result<()> {
    let state = image_state(args.folder.state.as_deref())?;
    let out_dir = folder(&state);
    make_private(&out_dir)?;
    if load(&out_dir)?.iter().any(|image| name_of(image) == args.name) {
        bail!("there is an image of the name {} already", args.name);
    }
    let format = match args.format {
        DiskFormat::Qcow2 => Format::Qcow2,
        DiskFormat::Raw => Format::Raw,
    };
    let bar = Bar::new(json);
    let report = |progress: Progress<'_>| bar.show(progress);
    let built = image::import(&args.file, format, args.sha256.as_deref(), &out_dir, &ImportLimits::default(), &report);
    drop(bar);
    let mut built = built?;
    built.name.clone_from(&args.name);
    let mut image = describe(&built, PROVIDER_OWNER, "landfall", now()?)?;
    image.min_memory_mib = args.min_memory_mib;
    save(&out_dir, &image)?;
    tell_servers(&state);
    show(&image, json);
    Ok(())
}

fn alias(args: &AliasArgs, json: bool) -> Result<()> {
    let state = image_state(args.folder.state.as_deref())?;
    let out_dir = folder(&state);
    let mut found: Vec<_> = load(&out_dir)?
        .into_iter()
        .filter(|image| image.id.to_string() == args.image || image.names.iter().any(|name| name.name == args.image))
        .collect();
    let Some(mut image) = found.pop() else {
        bail!("there is no image {} here; `landfall image list` shows those that are", args.image);
    };
    let id = match &args.id {
        Some(id) => id.parse().with_context(|| format!("--id {id}"))?,
        None => image.id,
    };
    let name = ImageName {
        name: args.name.clone().unwrap_or_else(|| name_of(&image).to_owned()),
        owner: args.owner.clone(),
        alias: Some(args.owner_alias.clone()).filter(|alias| !alias.is_empty()),
        id,
    };
    if !image.names.contains(&name) {
        image.names.push(name);
        save(&out_dir, &image)?;
    }
    tell_servers(&state);
    show(&image, json);
    Ok(())
}

/// Has the servers of that state register what is there now.
fn tell_servers(state: &Path) {
    for server in record::all().iter().filter(|server| server.state.as_deref() == Some(state)) {
        match client::own(server.listen, "POST", "/_landfall/images") {
            Ok((200, _)) => {}
            Ok((status, _)) => eprintln!(
                "the server at {} did not take the image ({status}); it will at its next start",
                server.listen
            ),
            Err(error) => eprintln!("the server at {} was not told of the image: {error:#}", server.listen),
        }
    }
}

fn show(image: &Image, json: bool) {
    if json {
        println!("{}", serde_json::json!({ "id": image.id, "names": image.names, "size_gib": image.size_gib }));
        return;
    }
    for name in &image.names {
        let alias = name.alias.as_deref().unwrap_or("-");
        println!("{}  {}  (owner {} {alias}, {} GiB)", name.id, name.name, name.owner, image.size_gib);
    }
}

fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let parent = path.parent().unwrap_or(path);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(parent)
        .with_context(|| format!("making {}", parent.display()))?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("making {}", path.display()))
}

fn now() -> Result<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    Ok(Timestamp(i64::try_from(since.as_millis())?))
}

/// A progress bar on a terminal; nothing elsewhere.
struct Bar {
    bar: ProgressBar,
    step: RefCell<String>,
}

impl Bar {
    fn new(quiet: bool) -> Self {
        // Drawn on standard error, and only where that is a terminal.
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { bar, step: RefCell::default() }
    }

    fn show(&self, progress: Progress<'_>) {
        if *self.step.borrow() != progress.step {
            progress.step.clone_into(&mut self.step.borrow_mut());
            self.bar.set_message(progress.step.to_owned());
            let template = if progress.total.is_some() {
                "{spinner} {msg} {wide_bar} {bytes}/{total_bytes}"
            } else {
                "{spinner} {msg} ({elapsed})"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
        }
        if let Some(total) = progress.total {
            self.bar.set_length(total);
            self.bar.set_position(progress.done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
