//! Log files in a bucket: only the hours that are wanted are listed, and many objects are read at once.

use super::aws::{Aws, AwsError, aws_error};
use super::store::{BodyName, LogStore, ignored, may_hold};
use crate::units::Date;
use aws_sdk_s3::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Cursor};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;

/// Requests at once: log files are small, so that most of the time is the network's.
const AT_ONCE: usize = 16;

/// The address of objects: a bucket and the beginning of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The bucket.
    pub bucket: String,
    /// How keys begin; may be empty.
    pub prefix: String,
}

impl Address {
    /// Reads `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// It is no such address.
    pub fn parse(text: &str) -> Result<Self, AwsError> {
        let rest = text.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(AwsError::NoAddress(text.to_owned()));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

/// Log files in a bucket.
#[derive(Debug)]
pub struct Bucket {
    aws: Aws,
    client: Client,
    name: String,
    objects: Vec<(String, u64)>,
    /// Folders of hours that have bodies in files of their own.
    with_bodies: BTreeSet<String>,
    ignored: BTreeMap<String, u64>,
    read: AtomicU64,
}

/// What one listing has found.
#[derive(Debug, Default)]
struct Listed {
    folders: Vec<String>,
    objects: Vec<(String, u64)>,
}

impl Bucket {
    /// Lists the log files of some addresses, all of one bucket; hours outside of the span are not even listed.
    ///
    /// # Errors
    /// AWS cannot be asked, or refuses.
    pub fn list(
        aws: Aws,
        addresses: &[Address],
        from_us: Option<i64>,
        to_us: Option<i64>,
    ) -> Result<Self, AwsError> {
        let name = addresses
            .first()
            .map(|a| a.bucket.clone())
            .unwrap_or_default();
        if let Some(other) = addresses.iter().find(|a| a.bucket != name) {
            return Err(AwsError::Other(format!(
                "`{name}` and `{}` are two buckets: import them one after the other",
                other.bucket
            )));
        }
        // Servers of other makers answer under paths and not under names of hosts.
        let config = aws_sdk_s3::config::Builder::from(&aws.config)
            .force_path_style(aws.has_endpoint)
            .build();
        let client = Client::from_conf(config);
        let mut bucket = Self {
            aws,
            client,
            name,
            objects: Vec::new(),
            with_bodies: BTreeSet::new(),
            ignored: BTreeMap::new(),
            read: AtomicU64::new(0),
        };
        let prefixes = addresses
            .iter()
            .map(|address| address.prefix.clone())
            .collect();
        let found = bucket.aws.wait(bucket.walk(prefixes, from_us, to_us))?;
        for folder in found.folders {
            if let Some(hour) = folder.strip_suffix("data/") {
                bucket.with_bodies.insert(hour.to_owned());
            }
        }
        for (key, bytes) in found.objects {
            let reason = ignored(&key, bytes)
                .or_else(|| (!may_hold(&key, from_us, to_us)).then_some("files of other hours"));
            match reason {
                Some(reason) => *bucket.ignored.entry(reason.to_owned()).or_insert(0) += 1,
                None => bucket.objects.push((key, bytes)),
            }
        }
        bucket.objects.sort();
        bucket.objects.dedup();
        Ok(bucket)
    }

    /// All objects below the prefixes; folders of bodies are named and not entered.
    async fn walk(
        &self,
        prefixes: Vec<String>,
        from_us: Option<i64>,
        to_us: Option<i64>,
    ) -> Result<Listed, AwsError> {
        let mut open = prefixes;
        let mut all = Listed::default();
        let mut running: JoinSet<Result<Listed, AwsError>> = JoinSet::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(prefix) = open.pop()
            {
                let (client, name) = (self.client.clone(), self.name.clone());
                let place = self.aws.place.clone();
                running.spawn(async move { list(&client, &name, &prefix, &place).await });
            }
            let Some(listed) = running.join_next().await else {
                return Ok(all);
            };
            let listed = listed.map_err(|error| AwsError::System(error.to_string()))??;
            all.objects.extend(listed.objects);
            for folder in listed.folders {
                if folder.ends_with("/data/") || folder == "data/" {
                    all.folders.push(folder);
                } else if overlaps(&folder, from_us, to_us) {
                    open.push(folder);
                }
            }
        }
    }

    /// How many files there are, and their bytes.
    pub fn size(&self) -> (usize, u64) {
        let bytes = self.objects.iter().map(|(_, bytes)| bytes).sum();
        (self.objects.len(), bytes)
    }

    /// Objects left out, by reason.
    pub fn ignored(&self) -> &BTreeMap<String, u64> {
        &self.ignored
    }

    fn get(&self, key: &str) -> io::Result<Vec<u8>> {
        let request = self.client.get_object().bucket(&self.name).key(key);
        self.aws.wait(async {
            let object = request.send().await.map_err(|error| {
                let error = aws_error(&error, &self.aws.place, &self.name);
                io::Error::other(format!("{error}; {}", error.help()))
            })?;
            let body = object.body.collect().await.map_err(io::Error::other)?;
            Ok(body.to_vec())
        })
    }
}

async fn list(
    client: &Client,
    bucket: &str,
    prefix: &str,
    place: &str,
) -> Result<Listed, AwsError> {
    let mut listed = Listed::default();
    let mut next = None;
    loop {
        let answer = client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .delimiter("/")
            .set_continuation_token(next)
            .send()
            .await
            .map_err(|error| aws_error(&error, place, bucket))?;
        let folders = answer.common_prefixes().iter();
        listed
            .folders
            .extend(folders.filter_map(|folder| folder.prefix().map(str::to_owned)));
        let objects = answer.contents().iter();
        listed.objects.extend(objects.filter_map(|object| {
            let bytes = u64::try_from(object.size().unwrap_or(0)).unwrap_or(0);
            Some((object.key()?.to_owned(), bytes))
        }));
        next = answer.next_continuation_token().map(str::to_owned);
        if next.is_none() {
            return Ok(listed);
        }
    }
}

/// Whether a folder of a year, a month, a day or an hour may hold calls of the span; any other may.
fn overlaps(folder: &str, from_us: Option<i64>, to_us: Option<i64>) -> bool {
    const HOUR_US: i64 = 3_600_000_000;
    let Some((first, last)) = hours_of(folder) else {
        return true;
    };
    from_us.is_none_or(|from| last + 1 >= from.div_euclid(HOUR_US) - 1)
        && to_us.is_none_or(|to| first - 1 <= (to - 1).div_euclid(HOUR_US))
}

/// The first and the last hour, since 1970, of a folder `…/YYYY/`, `…/YYYY/MM/` and so on.
fn hours_of(folder: &str) -> Option<(i64, i64)> {
    let parts: Vec<&str> = folder.trim_end_matches('/').split('/').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let digits = parts
        .iter()
        .rev()
        .take_while(|part| is_number(part))
        .count();
    let numbers = &parts[parts.len() - digits..];
    // The year has four digits; what stands before it may be numbers too.
    let year_at = (0..numbers.len())
        .rev()
        .find(|i| numbers[*i].len() == 4 && numbers[*i + 1..].iter().all(|part| part.len() == 2))?;
    let date = &numbers[year_at..];
    let number =
        |index: usize, default: u32| date.get(index).map_or(Some(default), |p| p.parse().ok());
    let (year, month, day) = (number(0, 0)?, number(1, 1)?, number(2, 1)?);
    let hour_of = |year: u32, month: u32, day: u32| {
        let date = Date::parse(&format!("{year:04}-{month:02}-{day:02}"))?;
        Some(date.days_since(Date::from_days(0)) * 24)
    };
    let first = hour_of(year, month, day)?;
    Some(match date.len() {
        1 => (first, hour_of(year + 1, 1, 1)? - 1),
        2 if month == 12 => (first, hour_of(year + 1, 1, 1)? - 1),
        2 => (first, hour_of(year, month + 1, 1)? - 1),
        3 => (first, first + 23),
        _ => {
            let hour = first + i64::from(number(3, 0)?);
            (hour, hour)
        }
    })
}

impl LogStore for Bucket {
    fn files(&self) -> usize {
        self.objects.len()
    }

    fn name(&self, file: usize) -> String {
        let key = self.objects.get(file).map_or("", |(key, _)| key);
        format!("s3://{}/{key}", self.name)
    }

    fn open(&self, file: usize) -> io::Result<Box<dyn BufRead + Send + '_>> {
        let (key, _) = self.objects.get(file).ok_or(io::ErrorKind::NotFound)?;
        let bytes = self.get(key)?;
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn body(&self, file: usize, wanted: &BodyName<'_>) -> Option<Vec<u8>> {
        let own = format!("s3://{}/", self.name);
        // A record does not choose another bucket to read from.
        let key = if let Some(key) = wanted.path.strip_prefix(&own) {
            key.to_owned()
        } else {
            let (key, _) = self.objects.get(file)?;
            let folder = &key[..=key.rfind('/')?];
            format!("{folder}data/{}", wanted.file_name())
        };
        self.get(&key).ok()
    }

    fn has_bodies(&self, file: usize) -> bool {
        let folder = self
            .objects
            .get(file)
            .and_then(|(key, _)| Some(&key[..=key.rfind('/')?]));
        folder.is_some_and(|folder| self.with_bodies.contains(folder))
    }

    fn open_at_once(&self, _: usize) -> usize {
        AT_ONCE
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let address = Address::parse("s3://b/p/q").unwrap();
        assert_eq!((&*address.bucket, &*address.prefix), ("b", "p/q"));
        assert_eq!(Address::parse("s3://b").unwrap().prefix, "");
        for bad in ["s3://", "s3:///x", "b/x"] {
            let error = Address::parse(bad).unwrap_err();
            assert_eq!(error, AwsError::NoAddress(bad.to_owned()));
            assert!(error.help().contains("s3://BUCKET"));
        }
    }

    #[test]
    fn folders_of_other_hours_are_not_entered() {
        let hour = 1_793_534_400 / 3600;
        let root = "p/AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/";
        assert_eq!(hours_of(root), None);
        assert_eq!(
            hours_of(&format!("{root}2026/11/01/12/")),
            Some((hour, hour))
        );
        assert_eq!(
            hours_of(&format!("{root}2026/11/01/")),
            Some((hour - 12, hour + 11))
        );
        assert_eq!(
            hours_of(&format!("{root}2026/11/")).map(|h| h.1 - h.0),
            Some(30 * 24 - 1)
        );
        assert_eq!(
            hours_of(&format!("{root}2026/12/")).map(|h| h.1 - h.0),
            Some(31 * 24 - 1)
        );
        assert_eq!(hours_of("2026/").map(|h| h.1 - h.0), Some(365 * 24 - 1));
        assert_eq!(hours_of("9999/13/"), None);
        let at = |hours: i64| Some((hour + hours) * 3_600_000_000);
        assert!(overlaps(&format!("{root}2026/"), at(0), at(1)));
        assert!(!overlaps(&format!("{root}2025/"), at(0), at(1)));
        assert!(!overlaps(&format!("{root}2026/11/02/"), at(0), at(1)));
        assert!(overlaps(&format!("{root}2026/11/01/13/"), at(0), at(1)));
        assert!(!overlaps(&format!("{root}2026/11/01/14/"), at(0), at(1)));
    }
}
