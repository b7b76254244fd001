//! Functions that the kernel maps into every process, so that they cost no system call (vdso(7)).
//!
//! They are looked up in the kernel's own object, because the C library's function of that name may
//! be another one's: an old program's own, and it would be called under locks of the allocator.

use core::ffi::{CStr, c_int, c_uint, c_void};
use core::mem::transmute;
use core::ptr::{NonNull, null_mut, with_exposed_provenance};
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::{__errno_location, AT_SYSINFO_EHDR, Elf64_Ehdr, Elf64_Phdr, Elf64_Sym, PT_DYNAMIC, PT_LOAD, getauxval};

const NAME: &CStr = c"__vdso_getcpu";
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;

type GetCpu = unsafe extern "C" fn(*mut c_uint, *mut c_uint, *mut c_void) -> c_int;

/// The address of the function; before that is known, and where there is none.
#[unsafe(link_section = ".data")]
static GETCPU: AtomicUsize = AtomicUsize::new(UNKNOWN);
const UNKNOWN: usize = 1;
const ABSENT: usize = 0;

/// The node of memory of the processor that the calling thread runs on; 0 if the kernel maps no
/// function that says so, as on 64-bit Arm and under valgrind.
pub(crate) fn node() -> u32 {
    processor_and_node().map_or(0, |[_, node]| node)
}

fn processor_and_node() -> Option<[u32; 2]> {
    let mut address = GETCPU.load(Ordering::Relaxed);
    if address == UNKNOWN {
        address = find().map_or(ABSENT, |function| function.as_ptr().expose_provenance());
        GETCPU.store(address, Ordering::Relaxed);
    }
    if address == ABSENT {
        return None;
    }
    // SAFETY: this is the type of getcpu(2), and the function stays mapped.
    let getcpu = unsafe { transmute::<*const c_void, GetCpu>(with_exposed_provenance(address)) };
    let (mut processor, mut node) = (0, 0);
    // SAFETY: it fills in two numbers.
    let status = unsafe { getcpu(&raw mut processor, &raw mut node, null_mut()) };
    (status == 0).then_some([processor, node])
}

/// The kernel's object, by its header.
struct Object {
    header: NonNull<Elf64_Ehdr>,
}

/// What an entry of the dynamic section says, and a number or an address.
#[repr(C)]
struct Dynamic {
    tag: u64,
    value: u64,
}

fn find() -> Option<NonNull<c_void>> {
    // SAFETY: the C library keeps errno of this thread at an address.
    let errno = unsafe { __errno_location() };
    // SAFETY: as above. Where there is no object, it would become ENOENT.
    let before = unsafe { errno.read() };
    // SAFETY: getauxval takes any number, and 0 is absent.
    let address = usize::try_from(unsafe { getauxval(AT_SYSINFO_EHDR) }).ok();
    // SAFETY: as above.
    unsafe { errno.write(before) };
    let address = address?;
    let header = NonNull::new(with_exposed_provenance::<Elf64_Ehdr>(address).cast_mut())?;
    Object { header }.function()
}

impl Object {
    /// # Safety
    /// A `T` lies there in the object.
    unsafe fn at<T>(&self, offset: u64) -> *const T {
        // SAFETY: the caller's promise.
        unsafe { self.header.as_ptr().cast_const().byte_add(usize::try_from(offset).unwrap_or(0)) }.cast()
    }

    /// The first program header of a kind.
    fn part(&self, kind: u32) -> Option<&Elf64_Phdr> {
        // SAFETY: the kernel maps the object whole, and for good.
        let header = unsafe { self.header.as_ref() };
        (0..u64::from(header.e_phnum)).find_map(|index| {
            // SAFETY: so many program headers lie there.
            let part = unsafe { self.at::<Elf64_Phdr>(header.e_phoff + index * u64::from(header.e_phentsize)) };
            // SAFETY: as above.
            Some(unsafe { &*part }).filter(|part| part.p_type == kind)
        })
    }

    /// Where the dynamic section says that something lies, from the object's begin on.
    fn place(&self, tag: u64, base: u64) -> Option<u64> {
        let dynamic = self.part(PT_DYNAMIC)?;
        let entries = dynamic.p_filesz / size_of::<Dynamic>() as u64;
        (0..entries).find_map(|index| {
            // SAFETY: so many entries lie there.
            let entry = unsafe { self.at::<Dynamic>(dynamic.p_offset + index * size_of::<Dynamic>() as u64) };
            // SAFETY: as above.
            Some(unsafe { &*entry }).filter(|entry| entry.tag == tag).map(|entry| entry.value.wrapping_sub(base))
        })
    }

    fn function(&self) -> Option<NonNull<c_void>> {
        let base = self.part(PT_LOAD)?.p_vaddr;
        let (symbols, names) = (self.place(DT_SYMTAB, base)?, self.place(DT_STRTAB, base)?);
        // The names lie right behind the symbols, or at least behind them.
        let count = names.saturating_sub(symbols) / size_of::<Elf64_Sym>() as u64;
        (0..count).find_map(|index| {
            // SAFETY: so many symbols lie before the names.
            let symbol = unsafe { self.at::<Elf64_Sym>(symbols + index * size_of::<Elf64_Sym>() as u64) };
            // SAFETY: as above.
            let symbol = unsafe { &*symbol };
            // SAFETY: a symbol's name lies among the names.
            let name = unsafe { self.at(names + u64::from(symbol.st_name)) };
            // SAFETY: names are strings.
            if unsafe { CStr::from_ptr(name) } != NAME || symbol.st_value == 0 {
                return None;
            }
            // SAFETY: the function lies there.
            NonNull::new(unsafe { self.at::<c_void>(symbol.st_value.wrapping_sub(base)) }.cast_mut())
        })
    }
}

#[cfg(target_arch = "x86_64")]
#[cfg(test)]
mod tests {
    use core::mem::{MaybeUninit, size_of};
    use core::ptr::null_mut;

    use libc::{CPU_ISSET, CPU_SET, CPU_SETSIZE, SYS_getcpu, cpu_set_t, sched_getaffinity, sched_setaffinity, syscall};

    use super::processor_and_node;

    fn set_of_none() -> cpu_set_t {
        // SAFETY: no processor is in a set of zeros.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }

    /// On each processor in turn, of the thread that runs this test.
    #[test]
    fn the_kernels_function_says_what_its_system_call_does() {
        let mut allowed = set_of_none();
        // SAFETY: the set is as large as that.
        assert_eq!(unsafe { sched_getaffinity(0, size_of::<cpu_set_t>(), &raw mut allowed) }, 0);
        let all = 0..usize::try_from(CPU_SETSIZE).unwrap_or(0);
        for processor in all.filter(|processor| {
            // SAFETY: the set has as many.
            unsafe { CPU_ISSET(*processor, &allowed) }
        }) {
            let mut one = set_of_none();
            // SAFETY: as above.
            unsafe { CPU_SET(processor, &mut one) };
            // SAFETY: the set is as large as that.
            assert_eq!(unsafe { sched_setaffinity(0, size_of::<cpu_set_t>(), &raw const one) }, 0);
            let mut told = [u32::MAX; 2];
            let [first, second] = &mut told;
            // SAFETY: it fills in two numbers.
            let status = unsafe { syscall(SYS_getcpu, &raw mut *first, &raw mut *second, null_mut::<u8>()) };
            assert_eq!((status, processor_and_node()), (0, Some(told)));
            assert_eq!(usize::try_from(told[0]), Ok(processor));
        }
    }
}
