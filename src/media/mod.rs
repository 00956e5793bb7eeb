//! The files of attachments: where they are kept, and what is done with one before it is. Knows no rows: a file has the
//! name of its attachment's id.

mod picture;
mod svg;

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::sync::Semaphore;

use crate::config::MediaPlace;
use crate::domain::attachment::{FileType, Size};
use crate::domain::id::{AttachmentId, PartnerId};
use crate::domain::invalid::Invalid;

/// How many uploads may be under way at once: each holds its file in memory.
const UPLOADS_MAX: usize = 16;
/// How many of them may be one partner's, so that none keeps out the others.
const UPLOADS_OF_PARTNER: usize = 4;

/// Why a file was not stored, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place cannot be used now.
    #[error("the media store {place} cannot be used: {reason}")]
    Unusable {
        /// Where it is.
        place: String,
        /// What it said.
        reason: String,
    },
    /// There is no such file.
    #[error("the media store {place} has no file {name}")]
    Missing {
        /// Where it is.
        place: String,
        /// The file.
        name: String,
    },
}

/// What may come of a file that somebody sent.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What it is.
    pub file_type: FileType,
    /// Its content as it is to be stored: a drawing without what it must not hold, all else as it came.
    pub bytes: Bytes,
    /// The sizes made of it; none where it is small enough itself, or has no pixels.
    pub sizes: Vec<(Size, FileType, Bytes)>,
}

/// How many uploads each partner has under way.
type Uploads = Arc<Mutex<HashMap<PartnerId, usize>>>;

/// A place among the uploads that are under way, held until this is dropped.
pub struct Admitted {
    uploads: Uploads,
    partner: PartnerId,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        match uploads.get_mut(&self.partner) {
            Some(number) if *number > 1 => *number -= 1,
            _ => {
                uploads.remove(&self.partner);
            }
        }
    }
}

/// Why an upload is not admitted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// The partner has as many under way as it may.
    Partner,
    /// There are as many under way as there may be.
    All,
}

/// The media store.
pub struct Media {
    place: MediaPlace,
    opened: OnceLock<(Arc<dyn ObjectStore>, Path)>,
    uploads: Uploads,
    drawing: Arc<Semaphore>,
}

impl Media {
    /// The store at this place. Nothing is looked at before it is needed.
    pub fn new(place: MediaPlace) -> Self {
        Self {
            place,
            opened: OnceLock::new(),
            uploads: Uploads::default(),
            // One picture at a time: a large one takes some 300 MB while sizes are made of it.
            drawing: Arc::new(Semaphore::new(1)),
        }
    }

    /// A place for an upload of this partner among those that are under way.
    ///
    /// # Errors
    /// [`Crowded`] where there are enough of them.
    pub fn admit(&self, partner: PartnerId) -> Result<Arc<Admitted>, Crowded> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.get(&partner).is_some_and(|number| *number >= UPLOADS_OF_PARTNER) {
            return Err(Crowded::Partner);
        }
        if uploads.values().sum::<usize>() >= UPLOADS_MAX {
            return Err(Crowded::All);
        }
        *uploads.entry(partner).or_default() += 1;
        Ok(Arc::new(Admitted { uploads: self.uploads.clone(), partner }))
    }

    /// Checks a file against the type it was sent as, cleans it, and makes the sizes of a picture.
    ///
    /// # Errors
    /// What would be right; for the outer one, why it could not be done.
    pub async fn prepare(
        &self,
        admitted: &Arc<Admitted>,
        declared: Option<FileType>,
        bytes: Bytes,
    ) -> Result<Result<Prepared, Invalid>, String> {
        let draws = FileType::of_content(&bytes).is_some_and(FileType::is_picture);
        self.work(admitted, draws, move || prepare(declared, bytes)).await
    }

    /// Does what keeps a processor busy, pictures one after the other. Whoever asked may go away meanwhile, and the work
    /// goes on: its places stay taken until it is done.
    async fn work<T: Send + 'static>(
        &self,
        admitted: &Arc<Admitted>,
        draws: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let drawing = match draws {
            true => Some(self.drawing.clone().acquire_owned().await.map_err(|error| error.to_string())?),
            false => None,
        };
        let places = (admitted.clone(), drawing);
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(places);
            result
        });
        done.await.map_err(|error| error.to_string())
    }

    /// Opens the store, and creates its folder for its owner only where it is one that is missing.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub fn open(&self) -> Result<(), Error> {
        self.opened().map(drop)
    }

    /// Stores a file. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub async fn put(&self, id: AttachmentId, bytes: Bytes) -> Result<(), Error> {
        let (store, folder) = self.opened()?;
        store.put(&folder.clone().join(id.to_string()), bytes.into()).await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Reads a file, piece by piece.
    ///
    /// # Errors
    /// [`Error::Missing`]; [`Error::Unusable`].
    pub async fn get(&self, id: AttachmentId) -> Result<BoxStream<'static, std::io::Result<Bytes>>, Error> {
        let (store, folder) = self.opened()?;
        let found = store.get(&folder.clone().join(id.to_string())).await.map_err(|error| self.failed(error))?;
        Ok(found.into_stream().map_err(std::io::Error::other).boxed())
    }

    /// Deletes a file, or finds it gone.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub async fn delete(&self, id: AttachmentId) -> Result<(), Error> {
        let (store, folder) = self.opened()?;
        match store.delete(&folder.clone().join(id.to_string())).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Writes a small file, reads it and deletes it again.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub async fn check(&self) -> Result<(), Error> {
        const TRIAL: &[u8] = b"parterre";
        let (store, folder) = self.opened()?;
        let path = folder.clone().join("trial");
        let tried: Result<Bytes, object_store::Error> = async {
            store.put(&path, TRIAL.into()).await?;
            let read = store.get(&path).await?.bytes().await?;
            store.delete(&path).await?;
            Ok(read)
        }
        .await;
        match tried.map_err(|error| self.failed(error))? {
            read if read == TRIAL => Ok(()),
            _ => Err(self.unusable("it gives back other files than it was given")),
        }
    }

    fn opened(&self) -> Result<&(Arc<dyn ObjectStore>, Path), Error> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = match &self.place {
            MediaPlace::Folder(folder) => (self.folder(folder)?, Path::default()),
            MediaPlace::Bucket { endpoint, bucket, prefix } => {
                let store = bucket_store(endpoint.as_deref(), bucket).map_err(|reason| self.unusable(reason))?;
                (store, Path::from(prefix.as_str()))
            }
        };
        // Of two that open it at once, both have opened the same.
        Ok(self.opened.get_or_init(|| opened))
    }

    fn folder(&self, folder: &PathBuf) -> Result<Arc<dyn ObjectStore>, Error> {
        let created = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        created.map_err(|error| self.unusable(error))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| self.failed(error))?;
        Ok(Arc::new(store.with_fsync(true)))
    }

    fn failed(&self, error: object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { path, .. } => Error::Missing { place: self.place.to_string(), name: path },
            error => self.unusable(error),
        }
    }

    fn unusable(&self, reason: impl ToString) -> Error {
        Error::Unusable { place: self.place.to_string(), reason: reason.to_string() }
    }
}

#[cfg(feature = "s3")]
fn bucket_store(endpoint: Option<&str>, bucket: &str) -> Result<Arc<dyn ObjectStore>, String> {
    use std::time::Duration;

    use object_store::aws::AmazonS3Builder;
    use object_store::{ClientOptions, RetryConfig};

    // The client takes the process's provider. Another one may have been there first: it does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let options = ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_secs(60));
    let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() };
    // Files are deleted one by one: not every store that speaks S3 takes lists of them.
    let mut builder = AmazonS3Builder::from_env()
        .with_disable_bulk_delete(true)
        .with_bucket_name(bucket)
        .with_client_options(options)
        .with_retry(retry);
    if let Some(endpoint) = endpoint {
        // Every such store takes the bucket in the path; not every one has a host name for each bucket.
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    Ok(Arc::new(builder.build().map_err(|error| error.to_string())?))
}

#[cfg(not(feature = "s3"))]
fn bucket_store(_: Option<&str>, _: &str) -> Result<Arc<dyn ObjectStore>, String> {
    Err("this program was built without the feature s3".into())
}

fn prepare(declared: Option<FileType>, bytes: Bytes) -> Result<Prepared, Invalid> {
    if bytes.is_empty() {
        return Err(Invalid::required());
    }
    let Some(file_type) = FileType::of_content(&bytes) else {
        let all = FileType::ALL.map(FileType::as_str).join(", ");
        return Err(Invalid::malformed(format!("must be a file of one of the types {all}")));
    };
    if let Some(declared) = declared.filter(|declared| *declared != file_type) {
        return Err(Invalid::conflict(format!("is sent as {declared}, but its content is {file_type}")));
    }
    match file_type {
        FileType::Pdf => Ok(Prepared { file_type, bytes, sizes: Vec::new() }),
        FileType::Svg => Ok(Prepared { file_type, bytes: svg::clean(&bytes)?.into(), sizes: Vec::new() }),
        _ => {
            let sizes = picture::sizes(file_type, &bytes)?;
            Ok(Prepared { file_type, bytes, sizes })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    const ID: AttachmentId = AttachmentId::from_bytes([7; 12]);

    async fn read(media: &Media) -> Result<Vec<u8>, Error> {
        let pieces: Vec<Bytes> = media.get(ID).await?.try_collect().await.unwrap();
        Ok(pieces.concat())
    }

    #[tokio::test]
    async fn a_folder_keeps_files_for_its_owner_only_until_they_are_deleted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let path = folder.path().join("deep").join("media");
        let media = Media::new(MediaPlace::Folder(path.clone()));
        assert!(!path.exists(), "nothing is made before it is needed");
        media.put(ID, Bytes::from_static(b"one")).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        assert_eq!(read(&media).await.unwrap(), b"one");
        media.put(ID, Bytes::from_static(b"two")).await.unwrap();
        assert_eq!(read(&media).await.unwrap(), b"two");
        media.check().await.unwrap();
        let names: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [ID.to_string().as_str()], "nothing else is left there");
        media.delete(ID).await.unwrap();
        media.delete(ID).await.unwrap();
        assert!(matches!(read(&media).await, Err(Error::Missing { .. })));
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_named() {
        let folder = Folder::new();
        let path = folder.path().join("file");
        std::fs::write(&path, "").unwrap();
        let media = Media::new(MediaPlace::Folder(path.join("media")));
        let failure = media.check().await.unwrap_err().to_string();
        assert!(failure.contains("file/media"), "{failure}");
    }

    fn partner(number: usize) -> PartnerId {
        PartnerId::from_bytes([u8::try_from(number).unwrap(); 12])
    }

    #[test]
    fn only_so_many_uploads_are_admitted_and_fewer_of_one_partner() {
        let media = Media::new(MediaPlace::Folder("media".into()));
        let mut admitted: Vec<_> = (0..UPLOADS_OF_PARTNER).map(|_| media.admit(partner(0)).unwrap()).collect();
        assert_eq!(media.admit(partner(0)).err(), Some(Crowded::Partner));
        admitted.extend((UPLOADS_OF_PARTNER..UPLOADS_MAX).map(|number| media.admit(partner(number)).unwrap()));
        assert_eq!(media.admit(partner(100)).err(), Some(Crowded::All));
        admitted.remove(0);
        assert!(media.admit(partner(100)).is_ok(), "its place is free again at once");
        admitted.push(media.admit(partner(0)).unwrap());
        assert_eq!(media.admit(partner(0)).err(), Some(Crowded::Partner));
        drop(admitted);
        assert!(media.uploads.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn a_place_is_held_to_the_end_of_the_work_and_documents_do_not_wait_for_pictures() {
        use std::time::Duration;
        let media = Arc::new(Media::new(MediaPlace::Folder("media".into())));
        let admitted = media.admit(partner(0)).unwrap();
        let (started, starts) = tokio::sync::oneshot::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let working = tokio::spawn({
            let media = media.clone();
            async move {
                let long = move || {
                    let _ = started.send(());
                    let _ = ends.recv_timeout(Duration::from_secs(60));
                };
                media.work(&admitted, true, long).await
            }
        });
        starts.await.unwrap();
        // The client hangs up.
        working.abort();
        assert!(working.await.unwrap_err().is_cancelled());
        assert_eq!(media.drawing.available_permits(), 0);
        assert_eq!(media.uploads.lock().unwrap().get(&partner(0)), Some(&1));

        let other = media.admit(partner(1)).unwrap();
        let document = media.prepare(&other, None, Bytes::from_static(b"%PDF-1.4\n"));
        let document = tokio::time::timeout(Duration::from_secs(30), document).await.unwrap();
        assert_eq!(document.unwrap().unwrap().file_type, FileType::Pdf);

        drop(end);
        let next = media.work(&other, true, || ());
        tokio::time::timeout(Duration::from_secs(30), next).await.unwrap().unwrap();
        drop(other);
        assert!(media.uploads.lock().unwrap().is_empty());
    }

    #[test]
    fn a_file_is_what_it_says_it_is() {
        let pdf = Bytes::from_static(b"%PDF-1.4\n");
        assert_eq!(prepare(None, pdf.clone()).unwrap().file_type, FileType::Pdf);
        assert_eq!(prepare(Some(FileType::Pdf), pdf.clone()).unwrap().bytes, pdf);
        for (declared, content, code) in [
            (Some(FileType::Png), &b"%PDF-1.4\n"[..], "conflict"),
            (Some(FileType::Png), b"", "required"),
            (None, b"<html><script>", "malformed"),
            (Some(FileType::Gif), b"GIF89a\x01\0\x01\0<script>", "malformed"),
        ] {
            assert_eq!(prepare(declared, Bytes::from_static(content)).unwrap_err().code, code);
        }
    }
}
