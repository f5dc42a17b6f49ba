//! Files that a scenario names: traces, recordings and shapes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::config::Source;
use crate::load::hourly::Hourly;
use crate::load::spec::ReplaySessions;
use crate::load::trace::{self, Columns, Recording, Trace, TraceFormat};

/// Gives the bytes of files that a scenario names.
pub trait Files {
    /// The bytes of the file at `path`, which is relative to the scenario's own place.
    ///
    /// # Errors
    /// Why the file cannot be read, as a fragment such as "no such file".
    fn open(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// A trace with the lengths of its answers, or what is wrong with it.
type Dependent = Result<(Arc<Trace>, ReplaySessions), String>;

/// Opens and reads each file once, however many variants name it.
pub(super) struct Library<'f> {
    files: &'f dyn Files,
    traces: RefCell<BTreeMap<String, Result<Arc<Trace>, String>>>,
    dependent: RefCell<BTreeMap<String, Dependent>>,
    recordings: RefCell<BTreeMap<String, Result<Arc<Recording>, String>>>,
    texts: RefCell<BTreeMap<String, Result<String, String>>>,
    hourly: RefCell<BTreeMap<String, Result<Arc<Hourly>, String>>>,
}

impl<'f> Library<'f> {
    pub(super) fn new(files: &'f dyn Files) -> Self {
        Self {
            files,
            traces: RefCell::default(),
            dependent: RefCell::default(),
            recordings: RefCell::default(),
            texts: RefCell::default(),
            hourly: RefCell::default(),
        }
    }

    /// The trace at `path`, or only the calls of one model in it, or what is wrong with it.
    pub(super) fn trace(
        &self,
        path: &str,
        format: TraceFormat,
        columns: Option<&Columns>,
        model: Option<&str>,
    ) -> Result<Arc<Trace>, String> {
        let key = format!("{path}\0{format:?}\0{columns:?}\0{model:?}");
        let mut traces = self.traces.borrow_mut();
        let read = || {
            let bytes = self.files.open(path)?;
            let trace = match model {
                None => trace::read(format, columns, bytes.as_slice()),
                Some(model) => trace::read_of_model(format, columns, model, bytes.as_slice()),
            };
            let trace = trace.map_err(|error| error.to_string())?;
            if trace.rows.is_empty() {
                return Err("the trace has no requests".to_owned());
            }
            Ok(Arc::new(trace))
        };
        traces.entry(key).or_insert_with(read).clone()
    }

    /// The trace at `path` with the lengths of its answers, whose calls of a session wait for each other.
    pub(super) fn dependent_trace(
        &self,
        path: &str,
        format: TraceFormat,
        columns: Option<&Columns>,
        model: Option<&str>,
    ) -> Result<(Arc<Trace>, ReplaySessions), String> {
        let key = format!("{path}\0{format:?}\0{columns:?}\0{model:?}");
        let mut traces = self.dependent.borrow_mut();
        let read = || {
            let bytes = self.files.open(path)?;
            let recorded = trace::read_records(format, columns, bytes.as_slice())
                .map_err(|error| error.to_string())?;
            let of_model =
                |number: u16| recorded.models.get(usize::from(number)).map(String::as_str);
            let (trace, took) =
                recorded.to_sessions_of(|call| model.is_none() || of_model(call.model) == model);
            if trace.rows.is_empty() {
                return Err("the trace has no requests that can be replayed".to_owned());
            }
            let took = took.into();
            Ok((Arc::new(trace), ReplaySessions::Dependent { took }))
        };
        traces.entry(key).or_insert_with(read).clone()
    }

    /// The recording at `path`, or what is wrong with it.
    pub(super) fn recording(&self, path: &str) -> Result<Arc<Recording>, String> {
        let mut recordings = self.recordings.borrow_mut();
        let read = || {
            let text = self.open_text(path)?;
            let recording = trace::read_recording(&text).map_err(|error| error.to_string())?;
            Ok(Arc::new(recording))
        };
        recordings
            .entry(path.to_owned())
            .or_insert_with(read)
            .clone()
    }

    /// The series of hours at `path`, with the stamps in the column `time` and the values in `value`, or what is
    /// wrong with it.
    pub(super) fn hourly(
        &self,
        path: &str,
        time: &str,
        value: &str,
    ) -> Result<Arc<Hourly>, String> {
        let key = format!("{path}\0{time}\0{value}");
        let mut all = self.hourly.borrow_mut();
        let read = || {
            let bytes = self.files.open(path)?;
            let series = Hourly::read(&bytes, time, value).map_err(|error| error.to_string())?;
            Ok(Arc::new(series))
        };
        all.entry(key).or_insert_with(read).clone()
    }

    /// The text at `path`, or what is wrong with it.
    pub(super) fn text(&self, path: &str) -> Result<String, String> {
        let mut texts = self.texts.borrow_mut();
        texts
            .entry(path.to_owned())
            .or_insert_with(|| self.open_text(path))
            .clone()
    }

    /// The prompts of the file at `path`, one JSON value a line, or what is wrong with it.
    pub(super) fn prompts(&self, path: &str) -> Result<Arc<[String]>, String> {
        let text = self.text(path)?;
        let mut prompts = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let place = |reason: &str| format!("line {}: {reason}", number + 1);
            let value: Value = serde_json::from_str(line)
                .map_err(|error| place(&format!("it is not JSON ({error})")))?;
            let prompt = value.as_str().or_else(|| value.get("prompt")?.as_str());
            match prompt {
                Some(prompt) if !prompt.is_empty() => prompts.push(prompt.to_owned()),
                _ => return Err(place("it holds no prompt")),
            }
        }
        if prompts.is_empty() {
            return Err("the file has no prompts".to_owned());
        }
        Ok(prompts.into())
    }

    fn open_text(&self, path: &str) -> Result<String, String> {
        let bytes = self.files.open(path)?;
        match Source::from_bytes(path, &bytes) {
            Ok(source) => Ok(source.text().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}
