//! Pictures made of pixels: that they can be read to their end, and the sizes made of them.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::domain::attachment::{FileType, PIXELS_MAX, Size};
use crate::domain::invalid::Invalid;

/// What reading a picture may take, in bytes: the picture itself, and what its decoder keeps.
const MEMORY_MAX: u64 = 256 << 20;
/// What the decoder of WebP keeps of a pixel besides what it answers, in bytes; it can be told no limit.
const WEBP_KEEPS: u64 = 8;
/// Of 100: what eyes do not tell from the original, at a fraction of its length.
const JPEG_QUALITY: u8 = 85;

/// The sizes of a picture that are smaller than it is. What moves is shown as it begins.
///
/// # Errors
/// Where it cannot be read, or is too large to be.
pub fn sizes(file_type: FileType, bytes: &[u8]) -> Result<Vec<(Size, FileType, Bytes)>, Invalid> {
    let (mut picture, orientation) = read(file_type, bytes)?;
    let whole = (picture.width(), picture.height());
    let mut sizes = Vec::new();
    for size in Size::ALL {
        let Some((width, height)) = fitted(whole, size.side_max()) else { continue };
        // A quick step to twice the size first: a good filter over the whole would need the whole once more as numbers.
        let near = (picture.width().min(2 * width), picture.height().min(2 * height));
        if near != (picture.width(), picture.height()) {
            picture = picture.thumbnail_exact(near.0, near.1);
        }
        picture = picture.resize_exact(width, height, FilterType::CatmullRom);
        // Turned only now: turning takes the same memory once more.
        let mut turned = picture.clone();
        turned.apply_orientation(orientation);
        let (of, content) = written(&turned)?;
        sizes.push((size, of, content));
    }
    Ok(sizes)
}

/// Width and height in the same proportions, neither more than `side`; nothing where they are not more as they are.
fn fitted((width, height): (u32, u32), side: u32) -> Option<(u32, u32)> {
    let longer = width.max(height);
    let scaled = |length: u32| (u64::from(length) * u64::from(side) + u64::from(longer / 2)) / u64::from(longer.max(1));
    let scaled = |length: u32| u32::try_from(scaled(length)).unwrap_or(side).max(1);
    (longer > side).then(|| (scaled(width), scaled(height)))
}

/// The picture, and how it is to be turned.
fn read(file_type: FileType, bytes: &[u8]) -> Result<(DynamicImage, Orientation), Invalid> {
    let wrong = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => {
            let most = MEMORY_MAX >> 20;
            Invalid::out_of_range(format!(
                "takes more than {most} MiB to be read: give it fewer pixels, or as PNG or baseline JPEG with 8 bits a colour"
            ))
        }
        error => Invalid::malformed(format!("is no {file_type} that can be read: {error}")),
    };
    let format = match file_type {
        FileType::Jpeg => ImageFormat::Jpeg,
        FileType::Png => ImageFormat::Png,
        FileType::Gif => ImageFormat::Gif,
        FileType::WebP => ImageFormat::WebP,
        FileType::Svg | FileType::Pdf => return Err(Invalid::malformed("has no pixels")),
    };
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(wrong)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Invalid::malformed("is a picture without pixels"));
    }
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        let most = PIXELS_MAX / 1_000_000;
        return Err(Invalid::out_of_range(format!("has {width} × {height} pixels: {most} million are the most")));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_MAX);
    // No decoder asks for the picture itself, nor all of them for what they keep.
    let kept = u64::from(width) * u64::from(height) * kept_of_pixel(file_type, bytes);
    limits.reserve(decoder.total_bytes().saturating_add(kept)).map_err(wrong)?;
    decoder.set_limits(limits).map_err(wrong)?;
    // Cameras turn the picture by a note in it.
    let orientation = decoder.orientation().map_err(wrong)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(wrong)?;
    Ok((picture, orientation))
}

/// What a decoder that knows no limit keeps of each pixel, in bytes.
fn kept_of_pixel(file_type: FileType, bytes: &[u8]) -> u64 {
    match file_type {
        FileType::WebP => WEBP_KEEPS,
        FileType::Jpeg => coefficients(bytes).map_or(8, |number| 2 * number),
        _ => 0,
    }
}

/// How many coefficients of each pixel of a JPEG are kept until its last scan is read: one of each colour, but none where
/// the first scan has it all. Nothing where its segments are not in order.
fn coefficients(bytes: &[u8]) -> Option<u64> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    let (mut colours, mut progressive) = (0, false);
    loop {
        let [0xff, marker, after @ ..] = rest else { return None };
        if *marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let (segment, next) = after.split_at_checked(length)?;
        match marker {
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => (colours, progressive) = (*segment.get(7)?, *marker > 0xc1),
            0xda if progressive || *segment.get(2)? != colours => return Some(colours.into()),
            0xda => return Some(0),
            _ => {}
        }
        rest = next;
    }
}

/// A JPEG, or a PNG where something shows through.
fn written(picture: &DynamicImage) -> Result<(FileType, Bytes), Invalid> {
    let wrong = |error: image::ImageError| Invalid::malformed(format!("cannot be made smaller: {error}"));
    let mut content = Vec::new();
    let rgba = picture.has_alpha().then(|| picture.to_rgba8());
    match rgba.filter(|rgba| rgba.pixels().any(|pixel| pixel.0[3] < u8::MAX)) {
        Some(rgba) => {
            rgba.write_to(&mut Cursor::new(&mut content), ImageFormat::Png).map_err(wrong)?;
            Ok((FileType::Png, content.into()))
        }
        None => {
            let encoder = JpegEncoder::new_with_quality(&mut content, JPEG_QUALITY);
            picture.to_rgb8().write_with_encoder(encoder).map_err(wrong)?;
            Ok((FileType::Jpeg, content.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut content = Vec::new();
        picture.write_to(&mut Cursor::new(&mut content), format).unwrap();
        content
    }

    fn plain(width: u32, height: u32) -> DynamicImage {
        RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 200]) }).into()
    }

    /// Size, type, width and height of each.
    fn seen(sizes: &[(Size, FileType, Bytes)]) -> Vec<(Size, FileType, u32, u32)> {
        let look = |(size, of, content): &(Size, FileType, Bytes)| {
            let picture = image::load_from_memory(content).unwrap();
            assert_eq!(FileType::of_content(content), Some(*of));
            (*size, *of, picture.width(), picture.height())
        };
        sizes.iter().map(look).collect()
    }

    #[test]
    fn sizes_keep_the_proportions_and_never_grow() {
        use FileType::Jpeg;
        for (width, height, expected) in [
            (3000, 1500, vec![(Size::Large, Jpeg, 1200, 600), (Size::Small, Jpeg, 400, 200)]),
            (1300, 1300, vec![(Size::Large, Jpeg, 1200, 1200), (Size::Small, Jpeg, 400, 400)]),
            (1200, 100, vec![(Size::Small, Jpeg, 400, 33)]),
            (300, 800, vec![(Size::Small, Jpeg, 150, 400)]),
            (400, 400, vec![]),
            (1, 1, vec![]),
            (5000, 2, vec![(Size::Large, Jpeg, 1200, 1), (Size::Small, Jpeg, 400, 1)]),
        ] {
            let content = encoded(&plain(width, height), ImageFormat::Png);
            assert_eq!(seen(&sizes(FileType::Png, &content).unwrap()), expected, "{width} × {height}");
        }
    }

    #[test]
    fn every_type_is_read() {
        for (file_type, format) in [
            (FileType::Jpeg, ImageFormat::Jpeg),
            (FileType::Png, ImageFormat::Png),
            (FileType::Gif, ImageFormat::Gif),
            (FileType::WebP, ImageFormat::WebP),
        ] {
            let content = encoded(&plain(500, 250), format);
            let made = sizes(file_type, &content).unwrap();
            assert_eq!(seen(&made), [(Size::Small, FileType::Jpeg, 400, 200)], "{file_type}");
            let small = image::load_from_memory(&made[0].2).unwrap().to_rgb8();
            let (left, right) = (small.get_pixel(20, 100), small.get_pixel(380, 100));
            assert!(left.0[0] > 150 && left.0[2] < 80 && right.0[2] > 150 && right.0[0] < 80, "{left:?} {right:?}");
        }
    }

    #[test]
    fn what_shows_through_stays_so() {
        let content = encoded(&RgbaImage::from_pixel(800, 800, Rgba([9, 9, 9, 128])).into(), ImageFormat::Png);
        assert_eq!(seen(&sizes(FileType::Png, &content).unwrap()), [(Size::Small, FileType::Png, 400, 400)]);
        let opaque = encoded(&RgbaImage::from_pixel(800, 800, Rgba([9, 9, 9, 255])).into(), ImageFormat::Png);
        assert_eq!(seen(&sizes(FileType::Png, &opaque).unwrap()), [(Size::Small, FileType::Jpeg, 400, 400)]);
    }

    #[test]
    fn a_picture_that_a_camera_turned_is_turned_back() {
        let mut content = encoded(&plain(800, 400), ImageFormat::Jpeg);
        // A segment with the note alone: to be turned by 90° clockwise.
        let note = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let length = u16::try_from(note.len() + 2).unwrap().to_be_bytes();
        content.splice(2..2, [0xff, 0xe1].into_iter().chain(length).chain(*note));
        assert_eq!(seen(&sizes(FileType::Jpeg, &content).unwrap()), [(Size::Small, FileType::Jpeg, 200, 400)]);
    }

    #[test]
    fn a_bomb_is_refused_by_what_its_head_says() {
        let mut content = encoded(&plain(10, 10), ImageFormat::Png);
        content[16..20].copy_from_slice(&10_000_u32.to_be_bytes());
        content[20..24].copy_from_slice(&5_001_u32.to_be_bytes());
        let checked = crc(&content[12..29]);
        content[29..33].copy_from_slice(&checked.to_be_bytes());
        let refusal = sizes(FileType::Png, &content).unwrap_err();
        assert_eq!((refusal.code, refusal.message.contains("10000 × 5001")), ("out_of_range", true), "{refusal}");
    }

    #[test]
    fn a_picture_whose_pixels_take_too_much_memory_is_refused_by_what_its_head_says() {
        let mut deep = encoded(&DynamicImage::new_rgba16(10, 10), ImageFormat::Png);
        // 40 million pixels: within the limit, but not at eight bytes each.
        deep[16..20].copy_from_slice(&8_000_u32.to_be_bytes());
        deep[20..24].copy_from_slice(&5_000_u32.to_be_bytes());
        let checked = crc(&deep[12..29]);
        deep[29..33].copy_from_slice(&checked.to_be_bytes());
        // A JPEG in several scans, of which the decoder keeps all coefficients.
        let mut scans = encoded(&plain(10, 10), ImageFormat::Jpeg);
        let frame = scans.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
        scans[frame + 1] = 0xc2;
        scans[frame + 5..frame + 9].copy_from_slice(&[0x13, 0x88, 0x1f, 0x40]);
        for (file_type, content) in [(FileType::Png, deep), (FileType::Jpeg, scans)] {
            let refusal = sizes(file_type, &content).unwrap_err();
            assert_eq!((refusal.code, refusal.message.contains("256 MiB")), ("out_of_range", true), "{refusal}");
        }
    }

    #[test]
    fn a_jpeg_in_several_scans_is_told_by_its_head() {
        let whole = encoded(&plain(10, 10), ImageFormat::Jpeg);
        assert_eq!(coefficients(&whole), Some(0));
        let at = |marker| whole.windows(2).position(|two| two == [0xff, marker]).unwrap();
        let changed = |at: usize, to: u8| {
            let mut changed = whole.clone();
            changed[at] = to;
            coefficients(&changed)
        };
        assert_eq!(changed(at(0xc0) + 1, 0xc2), Some(3), "progressive");
        assert_eq!(changed(at(0xda) + 4, 1), Some(3), "the first scan has one colour");
        assert_eq!(changed(2, 0), None, "no segment");
        assert_eq!(coefficients(b"\xff\xd8\xff"), None);
    }

    /// The checksum of PNG.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
        })
    }

    #[test]
    fn half_a_picture_is_none() {
        for (file_type, format) in [(FileType::Png, ImageFormat::Png), (FileType::WebP, ImageFormat::WebP)] {
            let content = encoded(&plain(500, 250), format);
            let refusal = sizes(file_type, &content[..content.len() / 2]).unwrap_err();
            assert_eq!(refusal.code, "malformed", "{file_type}");
        }
    }
}
