//! The messages of pprof's profile.proto, as far as heaps need them. Strings are numbers of entries
//! of the string table.

use prost::Message;

/// The whole file.
#[derive(Clone, PartialEq, Message)]
pub struct PprofProfile {
    /// What the values of each sample are.
    #[prost(message, repeated, tag = "1")]
    pub sample_type: Vec<ValueType>,
    /// Chains of calls, and their values.
    #[prost(message, repeated, tag = "2")]
    pub sample: Vec<Sample>,
    /// What was mapped; the program first.
    #[prost(message, repeated, tag = "3")]
    pub mapping: Vec<Mapping>,
    /// Addresses of code.
    #[prost(message, repeated, tag = "4")]
    pub location: Vec<Location>,
    /// Functions.
    #[prost(message, repeated, tag = "5")]
    pub function: Vec<Function>,
    /// The first is the empty one.
    #[prost(string, repeated, tag = "6")]
    pub string_table: Vec<String>,
    /// When the profile was written, since 1970.
    #[prost(int64, tag = "9")]
    pub time_nanos: i64,
    /// What is between two samples.
    #[prost(message, optional, tag = "11")]
    pub period_type: Option<ValueType>,
    /// How much of it.
    #[prost(int64, tag = "12")]
    pub period: i64,
    /// The type that is shown first.
    #[prost(int64, tag = "14")]
    pub default_sample_type: i64,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct ValueType {
    /// Its name.
    #[prost(int64, tag = "1")]
    pub kind: i64,
    /// Its unit.
    #[prost(int64, tag = "2")]
    pub unit: i64,
}

/// A chain of calls, and its values.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Sample {
    /// The innermost first.
    #[prost(uint64, repeated, tag = "1")]
    pub location_id: Vec<u64>,
    /// One for each type.
    #[prost(int64, repeated, tag = "2")]
    pub value: Vec<i64>,
}

/// Part of a file, in memory.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Mapping {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// The first address.
    #[prost(uint64, tag = "2")]
    pub memory_start: u64,
    /// The address behind the last one.
    #[prost(uint64, tag = "3")]
    pub memory_limit: u64,
    /// Where it begins in the file.
    #[prost(uint64, tag = "4")]
    pub file_offset: u64,
    /// The file.
    #[prost(int64, tag = "5")]
    pub filename: i64,
    /// Which build of the file.
    #[prost(int64, tag = "6")]
    pub build_id: i64,
    /// Whether functions in it are known.
    #[prost(bool, tag = "7")]
    pub has_functions: bool,
    /// Whether files of the source are.
    #[prost(bool, tag = "8")]
    pub has_filenames: bool,
    /// Whether lines are.
    #[prost(bool, tag = "9")]
    pub has_line_numbers: bool,
    /// Whether inlined functions are.
    #[prost(bool, tag = "10")]
    pub has_inline_frames: bool,
}

/// An address of code.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Location {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What it is in; 0 if that is not known.
    #[prost(uint64, tag = "2")]
    pub mapping_id: u64,
    /// The address.
    #[prost(uint64, tag = "3")]
    pub address: u64,
    /// The functions, the innermost of inlined ones first.
    #[prost(message, repeated, tag = "4")]
    pub line: Vec<Line>,
    /// Whether it is for several addresses.
    #[prost(bool, tag = "5")]
    pub is_folded: bool,
}

/// A line of a function.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Line {
    /// The function.
    #[prost(uint64, tag = "1")]
    pub function_id: u64,
    /// The line; 0 if that is not known.
    #[prost(int64, tag = "2")]
    pub line: i64,
}

/// A function.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Function {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Its name.
    #[prost(int64, tag = "2")]
    pub name: i64,
    /// Its name for the linker.
    #[prost(int64, tag = "3")]
    pub system_name: i64,
    /// The file of the source.
    #[prost(int64, tag = "4")]
    pub filename: i64,
    /// The line where it begins; 0 if that is not known.
    #[prost(int64, tag = "5")]
    pub start_line: i64,
}
