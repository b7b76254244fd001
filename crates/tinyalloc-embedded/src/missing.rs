//! What a program needs that goes without the feature `critical-section` on a processor that cannot
//! do without.

unsafe extern "C" {
    pub(crate) safe fn tinyalloc_needs_its_feature_critical_section_on_this_processor() -> bool;
}
