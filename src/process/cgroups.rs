//! The control groups of the process that count memory: cgroups(7).
//!
//! A container that sees the paths of its host has its own group mounted where those paths begin.
//! Its files are then found at the end of the way up, for what is missing is passed over.

use core::ffi::CStr;

use crate::support::small_file::read;
use crate::support::string_table::{end_of_word, entry_at};

/// One line for each hierarchy: `number:controllers:path`, without controllers for version 2.
const OWN_GROUPS: &CStr = c"/proc/self/cgroup";
/// Where hierarchies are mounted: version 2, version 2 beside version 1, and version 1.
const MOUNTS: &str = "/sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/memory";
const MOUNTS_OF_VERSION_2: usize = 2;
/// The controller, which shares its hierarchy with others at most.
const MEMORY: &[u8] = b"memory";
const GROUPS_BYTES_MAX: usize = 4096;
const PATH_BYTES_MAX: usize = 512;

/// Calls `look` with the path of a file of each group, from the process's own up to the root, until
/// it returns true. `names` has the name of the file at each of the [`MOUNTS`], as `/name` and a
/// null byte.
pub(crate) fn climb(names: &'static str, look: &mut dyn FnMut(&CStr) -> bool) {
    let mut room = [0; GROUPS_BYTES_MAX];
    climb_from(read(OWN_GROUPS, &mut room), names, look);
}

fn climb_from(groups: &[u8], names: &'static str, look: &mut dyn FnMut(&CStr) -> bool) {
    let mut start = 0;
    while start < groups.len() {
        let controllers_start = end_of_word(groups, b':', start) + 1;
        let controllers_end = end_of_word(groups, b':', controllers_start);
        let end = end_of_word(groups, b'\n', start);
        let controllers = groups.get(controllers_start..controllers_end).unwrap_or_default();
        let group = groups.get(controllers_end + 1..end).unwrap_or_default();
        let counts_memory = controllers.windows(MEMORY.len()).any(|word| word == MEMORY);
        for place in 0..=MOUNTS_OF_VERSION_2 {
            let is_there = if place < MOUNTS_OF_VERSION_2 { controllers.is_empty() } else { counts_memory };
            let name = entry_at(names, b' ', place);
            if is_there && !name.is_empty() && climb_one(entry_at(MOUNTS, b' ', place), group, name, look) == Some(true) {
                return;
            }
        }
        start = end + 1;
    }
}

/// `None` if a path is too long.
fn climb_one(mount: &str, group: &[u8], name: &str, look: &mut dyn FnMut(&CStr) -> bool) -> Option<bool> {
    let mut path = [0; PATH_BYTES_MAX];
    let root = put(&mut path, 0, mount.as_bytes())?;
    let mut end = put(&mut path, root, group.strip_suffix(b"/").unwrap_or(group))?;
    loop {
        let file_end = put(&mut path, end, name.as_bytes())?;
        // SAFETY: the name ends with a null byte, and the lines of the kernel have none.
        let file = unsafe { CStr::from_bytes_with_nul_unchecked(path.get(..file_end)?) };
        if look(file) {
            return Some(true);
        }
        if end <= root {
            return Some(false);
        }
        end = path.get(..end)?.iter().rposition(|byte| *byte == b'/')?;
    }
}

/// Copies a part of a path; the end of it, or `None` if there is no room.
#[inline(never)]
fn put(path: &mut [u8], start: usize, part: &[u8]) -> Option<usize> {
    let end = start + part.len();
    for (to, byte) in path.get_mut(start..end)?.iter_mut().zip(part) {
        *to = *byte;
    }
    Some(end)
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    extern crate std;

    use std::string::String;
    use std::vec::Vec;

    use super::climb_from;

    const NAMES: &str = "/max\0 /max\0 /limit\0";

    fn paths(groups: &str, enough: usize) -> Vec<String> {
        let mut paths = Vec::new();
        climb_from(groups.as_bytes(), NAMES, &mut |path| {
            paths.push(path.to_str().expect("ASCII").into());
            paths.len() == enough
        });
        paths
    }

    #[test]
    fn files_are_looked_for_from_the_own_group_up_to_the_root() {
        assert_eq!(
            paths("0::/a.slice/b:c.scope\n", 0),
            [
                "/sys/fs/cgroup/a.slice/b:c.scope/max",
                "/sys/fs/cgroup/a.slice/max",
                "/sys/fs/cgroup/max",
                "/sys/fs/cgroup/unified/a.slice/b:c.scope/max",
                "/sys/fs/cgroup/unified/a.slice/max",
                "/sys/fs/cgroup/unified/max",
            ]
        );
        assert_eq!(paths("0::/\n", 1), ["/sys/fs/cgroup/max"]);
    }

    #[test]
    fn version_1_has_a_hierarchy_for_memory_perhaps_with_others() {
        let groups = "5:cpu,memory:/docker/1\n4:cpuset:/\nname=\n1:name=systemd:/docker/1\n";
        assert_eq!(
            paths(groups, 0),
            ["/sys/fs/cgroup/memory/docker/1/limit", "/sys/fs/cgroup/memory/docker/limit", "/sys/fs/cgroup/memory/limit"]
        );
    }

    #[test]
    fn groups_that_cannot_be_read_or_named_have_no_files() {
        assert_eq!(paths("", 0), [""; 0]);
        let long = std::format!("0::/{}\n4:memory:/a\n", "x".repeat(600));
        assert_eq!(paths(&long, 0), ["/sys/fs/cgroup/memory/a/limit", "/sys/fs/cgroup/memory/limit"]);
    }
}
