//! Images: registering them, and the further names that look-ups find them by.

use landfall_model::image::ImageName;
use landfall_model::{Image, ImageId};

use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Images;

/// Registers an image, or replaces the one of that id.
pub fn put(tx: &mut Tx<'_, '_>, image: Image) {
    tx.put::<Images>(image);
}

/// Gives an image a further name; one that it has already with the same owner is no error.
pub fn alias(tx: &mut Tx<'_, '_>, id: ImageId, name: ImageName) -> Result<(), Fault> {
    let image = tx.view().image(id).ok_or_else(|| Fault::no_such(id))?;
    if image.names.contains(&name) {
        return Ok(());
    }
    let key = image.id;
    tx.update::<Images, _>(&key, |row| row.names.push(name));
    Ok(())
}
