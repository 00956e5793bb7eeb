use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where uploaded files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaPlace {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of a store that speaks the protocol of S3.
    Bucket {
        /// The store's address; none: Amazon's.
        endpoint: Option<String>,
        /// The bucket.
        bucket: String,
        /// What the files' names begin with; may be empty.
        prefix: String,
    },
}

impl FromStr for MediaPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a folder, s3://bucket/prefix, or https://host/bucket/prefix";
        let (endpoint, rest) = match text.split_once("://") {
            None if text.is_empty() => return Err(WRONG),
            None => return Ok(Self::Folder(text.into())),
            Some(("s3", rest)) => (None, rest),
            Some((scheme @ ("http" | "https"), rest)) => {
                let (host, rest) = rest.split_once('/').ok_or(WRONG)?;
                if host.is_empty() || host.contains('@') {
                    return Err("must have a host, and no password: that is given by AWS_SECRET_ACCESS_KEY");
                }
                (Some(format!("{scheme}://{host}")), rest)
            }
            Some(_) => return Err(WRONG),
        };
        let (bucket, prefix) = rest.trim_end_matches('/').split_once('/').unwrap_or((rest.trim_end_matches('/'), ""));
        if bucket.is_empty() || rest.contains(['?', '#', '@']) {
            return Err(WRONG);
        }
        Ok(Self::Bucket { endpoint, bucket: bucket.into(), prefix: prefix.into() })
    }
}

impl fmt::Display for MediaPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Bucket { endpoint, bucket, prefix } => {
                let slash = if prefix.is_empty() { "" } else { "/" };
                match endpoint {
                    None => write!(f, "s3://{bucket}{slash}{prefix}"),
                    Some(endpoint) => write!(f, "{endpoint}/{bucket}{slash}{prefix}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_in_a_folder_or_in_a_bucket() {
        let bucket = |endpoint: Option<&str>, bucket: &str, prefix: &str| MediaPlace::Bucket {
            endpoint: endpoint.map(str::to_owned),
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        for (text, place, shown) in [
            ("/srv/media", MediaPlace::Folder("/srv/media".into()), "/srv/media"),
            ("media", MediaPlace::Folder("media".into()), "media"),
            ("s3://posters", bucket(None, "posters", ""), "s3://posters"),
            ("s3://posters/a/b/", bucket(None, "posters", "a/b"), "s3://posters/a/b"),
            (
                "https://s3.example/posters/a",
                bucket(Some("https://s3.example"), "posters", "a"),
                "https://s3.example/posters/a",
            ),
            (
                "http://127.0.0.1:9000/posters",
                bucket(Some("http://127.0.0.1:9000"), "posters", ""),
                "http://127.0.0.1:9000/posters",
            ),
        ] {
            assert_eq!(text.parse(), Ok(place.clone()), "{text}");
            assert_eq!(place.to_string(), shown);
        }
        for text in [
            "",
            "s3://",
            "s3:///x",
            "https://s3.example",
            "https:///posters",
            "ftp://host/posters",
            "https://me:hidden@s3.example/posters",
            "s3://posters?x=1",
        ] {
            let refusal = text.parse::<MediaPlace>().unwrap_err();
            assert!(!refusal.contains("hidden"), "{refusal}");
        }
    }
}
