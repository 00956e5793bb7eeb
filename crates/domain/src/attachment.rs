//! Attachments: pictures and documents that partners upload to show with themselves and their events.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::{AttachmentId, PartnerId};
use crate::invalid::Invalid;

/// The largest file, in bytes.
pub const LENGTH_MAX: usize = 20 << 20;
/// The largest picture, in pixels. Where each takes more memory than usual while sizes are made of it, fewer are taken.
pub const PIXELS_MAX: u64 = 50_000_000;

/// A file that a partner uploaded, or a size made of one that is a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// The partner that uploaded it.
    pub author: PartnerId,
    /// The picture that this is a size of; none for what was uploaded itself.
    pub size_of: Option<(AttachmentId, Size)>,
    /// What it is.
    pub file_type: FileType,
    /// Its length in bytes.
    pub length: u64,
    /// The MD5 of its content, in hexadecimal digits.
    pub md5: String,
    /// Whether it was removed.
    pub removed: bool,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Attachment {
    /// What was uploaded: this, or the picture that this is a size of.
    pub fn original(&self) -> AttachmentId {
        self.size_of.map_or(self.id, |(original, _)| original)
    }

    /// The last part of its address: it changes with the content, and nobody guesses it from the id.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.md5, self.file_type.extension())
    }
}

/// What an attachment may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileType {
    /// A photograph.
    Jpeg,
    /// A picture without loss.
    Png,
    /// A picture that may move.
    Gif,
    /// A picture for the web.
    WebP,
    /// A drawing.
    Svg,
    /// A document.
    Pdf,
}

impl FileType {
    /// All there are.
    pub const ALL: [Self; 6] = [Self::Jpeg, Self::Png, Self::Gif, Self::WebP, Self::Svg, Self::Pdf];

    /// The media type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Svg => "image/svg+xml",
            Self::Pdf => "application/pdf",
        }
    }

    /// The end of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
        }
    }

    /// Whether it can be shown as a picture.
    pub const fn is_picture(self) -> bool {
        !matches!(self, Self::Pdf)
    }

    /// What a content begins as. That it also goes on so is seen by reading it.
    pub fn of_content(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            return Some(Self::Gif);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Some(Self::WebP);
        }
        if bytes.starts_with(b"%PDF-") {
            return Some(Self::Pdf);
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        let like_svg =
            ["<svg", "<?xml", "<!--", "<!DOCTYPE svg"].iter().any(|start| text.starts_with(start.as_bytes()));
        like_svg.then_some(Self::Svg)
    }
}

impl fmt::Display for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FileType {
    type Err = Invalid;

    /// Reads a media type without parameters, in any case.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.to_ascii_lowercase();
        // An old name that programs still send.
        let text = if text == "image/jpg" { "image/jpeg" } else { text.as_str() };
        Self::ALL.into_iter().find(|of| of.as_str() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            Invalid::out_of_range(format!("must be one of {all}"))
        })
    }
}

/// The sizes that are made of a picture, both in its own proportions. A picture that is no larger stands for the size
/// itself, and so does one without pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// For pages.
    Large,
    /// For lists.
    Small,
}

impl Size {
    /// All there are, the largest first.
    pub const ALL: [Self; 2] = [Self::Large, Self::Small];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Small => "small",
        }
    }

    /// How many pixels wide, and how many high, it is at most.
    pub const fn side_max(self) -> u32 {
        match self {
            Self::Large => 1_200,
            Self::Small => 400,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Size {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|size| size.as_str() == text)
            .ok_or_else(|| Invalid::out_of_range("must be one of large, small"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_by_how_the_content_begins() {
        for (content, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], Some(FileType::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0", Some(FileType::Png)),
            (b"GIF87a", Some(FileType::Gif)),
            (b"GIF89a/*", Some(FileType::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(FileType::WebP)),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"RIFF", None),
            (b"%PDF-1.7", Some(FileType::Pdf)),
            (b"\n%PDF-1.7", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some(FileType::Svg)),
            (b"\xef\xbb\xbf \n<?xml version='1.0'?><svg/>", Some(FileType::Svg)),
            (b"<!DOCTYPE svg PUBLIC", Some(FileType::Svg)),
            (b"<!DOCTYPE html><svg/>", None),
            (b"<html>", None),
            (b"<script>", None),
            (b"MZ", None),
            (b"", None),
        ] {
            assert_eq!(FileType::of_content(content), expected, "{}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn a_type_has_one_name_and_is_read_by_it() {
        for of in FileType::ALL {
            assert_eq!(of.as_str().parse(), Ok(of));
            assert_eq!(of.as_str().to_ascii_uppercase().parse(), Ok(of));
        }
        assert_eq!("image/jpg".parse(), Ok(FileType::Jpeg));
        for other in ["text/html", "image/*", "image/tiff", ""] {
            let refusal = other.parse::<FileType>().unwrap_err();
            assert!(refusal.message.contains("image/jpeg, image/png"), "{}", refusal.message);
        }
    }

    #[test]
    fn sizes_go_down_and_are_read_by_their_name() {
        assert!(Size::ALL.windows(2).all(|two| two[0].side_max() > two[1].side_max()));
        for size in Size::ALL {
            assert_eq!(size.as_str().parse(), Ok(size));
        }
        assert!("huge".parse::<Size>().is_err());
    }
}
