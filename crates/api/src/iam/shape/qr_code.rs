//! QR codes as pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::ApiError;

/// Points of a module's side, and modules of the quiet zone around it all. Source: ISO/IEC 18004.
const POINTS: usize = 6;
const QUIET: i32 = 4;

/// The picture of a text, as PNG.
pub fn png(text: &str) -> Result<Vec<u8>, ApiError> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(|_| ApiError::internal())?;
    let places = -QUIET..code.size() + QUIET;
    let side = places.len() * POINTS;
    let mut points = Vec::with_capacity(side * side);
    for y in places.clone() {
        // What lies outside the code is white.
        let row: Vec<u8> = places.clone().map(|x| if code.get_module(x, y) { 0 } else { u8::MAX }).collect();
        let line: Vec<u8> = row.iter().flat_map(|point| [*point; POINTS]).collect();
        (0..POINTS).for_each(|_| points.extend_from_slice(&line));
    }
    let side = u32::try_from(side).map_err(|_| ApiError::internal())?;
    write(side, &points).map_err(|error| {
        tracing::error!(%error, "a picture can't be written");
        ApiError::internal()
    })
}

fn write(side: u32, points: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(points)?;
    writer.finish()?;
    Ok(bytes)
}

/// Octets as answers have them.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_picture_shows_the_code_in_a_white_frame() {
        let bytes = super::png("otpauth://totp/alice@111122223333?secret=AAAA").unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut points = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut points).unwrap();
        assert_eq!((info.width, info.height), (info.height, info.width));
        let at = |x: usize, y: usize| points[y * info.width as usize + x];
        assert_eq!((at(0, 0), at(23, 23), at(24, 24)), (255, 255, 0), "a corner's mark is four modules in");
        assert_eq!(at(30, 30), 255, "and is a ring");
    }
}
