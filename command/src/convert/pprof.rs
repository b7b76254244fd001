//! The file of pprof: a protocol buffer, compressed by gzip.

pub mod message;

use std::collections::HashMap;
use std::io::Write;
use std::time::UNIX_EPOCH;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use crate::mapping::Mapping as MemoryMapping;
use crate::profile::{By, Profile, Site, Tally};
use crate::symbols::{Frame, Symbols};
use message::{Function, Line, Location, Mapping, PprofProfile, Sample, ValueType};

/// The compressed file. It has what lives and all there was, as pprof expects it of heaps; with
/// [`By::Peak`] or [`By::Pinned`], that, too. pprof shows first what is asked for.
pub fn file(profile: &Profile, symbols: &mut Symbols, by: By) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let message = message(profile, symbols, by).encode_to_vec();
    // A vector takes all that it is handed.
    gzip.write_all(&message).and_then(|()| gzip.finish()).unwrap_or_default()
}

/// The file before it is encoded.
pub fn message(profile: &Profile, symbols: &mut Symbols, by: By) -> PprofProfile {
    let mut builder = Builder::new(profile, symbols);
    builder.add_types(by);
    for site in &profile.sites {
        builder.add_site(site, by);
    }
    builder.message
}

/// A file in the making, and the numbers of what is in it.
struct Builder<'profile> {
    profile: &'profile Profile,
    symbols: &'profile mut Symbols,
    message: PprofProfile,
    strings: HashMap<String, i64>,
    mappings: HashMap<u64, u64>,
    locations: HashMap<u64, u64>,
    functions: HashMap<(i64, i64), u64>,
}

impl<'profile> Builder<'profile> {
    fn new(profile: &'profile Profile, symbols: &'profile mut Symbols) -> Builder<'profile> {
        let mut builder = Builder {
            profile,
            symbols,
            message: PprofProfile::default(),
            strings: HashMap::new(),
            mappings: HashMap::new(),
            locations: HashMap::new(),
            functions: HashMap::new(),
        };
        // The first string is the empty one.
        builder.string("");
        // The program comes first; pprof calls the profile by it.
        if let Some(program) = profile.mappings.iter().find(|mapping| mapping.is_executable && mapping.file().is_some()) {
            builder.mapping(program);
        }
        builder
    }

    fn add_types(&mut self, by: By) {
        let mut types =
            vec![("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")];
        match by {
            By::Peak => types.extend([("peak_objects", "count"), ("peak_space", "bytes")]),
            By::Pinned => types.extend([("pinned_objects", "count"), ("pinned_space", "bytes")]),
            By::Live | By::Total => {}
        }
        self.message.sample_type = types.into_iter().map(|(kind, unit)| self.value_type(kind, unit)).collect();
        let first = match by {
            By::Live => "inuse_space",
            By::Peak => "peak_space",
            By::Total => "alloc_space",
            By::Pinned => "pinned_space",
        };
        self.message.default_sample_type = self.string(first);
        self.message.period_type = Some(self.value_type("space", "bytes"));
        self.message.period = signed(self.profile.interval.max(1));
        let time = self.profile.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        self.message.time_nanos = time.and_then(|time| i64::try_from(time.as_nanos()).ok()).unwrap_or(0);
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> ValueType {
        ValueType { kind: self.string(kind), unit: self.string(unit) }
    }

    fn add_site(&mut self, site: &Site, by: By) {
        let mut tallies = vec![site.total, site.live];
        if matches!(by, By::Peak | By::Pinned) {
            tallies.push(by.of(site));
        }
        if tallies.iter().all(|tally| *tally == Tally::default()) {
            return;
        }
        let value = tallies.iter().flat_map(|tally| [signed(tally.blocks), signed(tally.bytes)]).collect();
        let location_id = site.callers.iter().map(|address| self.location(*address)).collect();
        self.message.sample.push(Sample { location_id, value });
    }

    fn location(&mut self, address: u64) -> u64 {
        // As pprof has it, a location is in the call, not behind it.
        let call = address.saturating_sub(1);
        if let Some(id) = self.locations.get(&call) {
            return *id;
        }
        let frames = self.symbols.frames(self.profile, address);
        let profile = self.profile;
        let mapping_id = profile.mapping(call).map_or(0, |mapping| self.mapping(mapping));
        self.note_detail(mapping_id, &frames);
        let line = frames.iter().map(|frame| self.line(frame)).collect();
        let id = next_id(self.message.location.len());
        self.message.location.push(Location { id, mapping_id, address: call, line, is_folded: false });
        self.locations.insert(call, id);
        id
    }

    fn line(&mut self, frame: &Frame) -> Line {
        Line { function_id: self.function(frame), line: i64::from(frame.line.unwrap_or(0)) }
    }

    fn function(&mut self, frame: &Frame) -> u64 {
        let name = self.string(&frame.function);
        let filename = self.string(frame.file.as_deref().unwrap_or_default());
        let next = next_id(self.message.function.len());
        let id = *self.functions.entry((name, filename)).or_insert(next);
        if id == next {
            self.message.function.push(Function { id, name, system_name: name, filename, start_line: 0 });
        }
        id
    }

    fn mapping(&mut self, mapping: &MemoryMapping) -> u64 {
        let next = next_id(self.message.mapping.len());
        let id = *self.mappings.entry(mapping.start).or_insert(next);
        if id == next {
            let build_id = self.symbols.build_id(mapping).unwrap_or_default();
            let mapping = Mapping {
                id,
                memory_start: mapping.start,
                memory_limit: mapping.end,
                file_offset: mapping.offset,
                filename: self.string(&mapping.path),
                build_id: self.string(&build_id),
                ..Mapping::default()
            };
            self.message.mapping.push(mapping);
        }
        id
    }

    /// What is known of the calls in a mapping: pprof looks for the rest itself.
    fn note_detail(&mut self, mapping_id: u64, frames: &[Frame]) {
        let place = usize::try_from(mapping_id).ok().and_then(|id| id.checked_sub(1));
        if let Some(mapping) = place.and_then(|place| self.message.mapping.get_mut(place)) {
            mapping.has_functions |= frames.iter().any(|frame| !frame.is_unknown());
            mapping.has_filenames |= frames.iter().any(|frame| frame.file.is_some());
            mapping.has_line_numbers |= frames.iter().any(|frame| frame.line.is_some());
            mapping.has_inline_frames |= frames.len() > 1;
        }
    }

    fn string(&mut self, text: &str) -> i64 {
        if let Some(number) = self.strings.get(text) {
            return *number;
        }
        let number = i64::try_from(self.message.string_table.len()).unwrap_or(i64::MAX);
        self.message.string_table.push(text.to_owned());
        self.strings.insert(text.to_owned(), number);
        number
    }
}

/// 0 is no number of anything.
fn next_id(count: usize) -> u64 {
    count as u64 + 1
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
