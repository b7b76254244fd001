#include "options.h"

static void expect_set(const char *name, const char *value, const char *read_back)
{
    EXPECT(option_set(name, value) == 0);
    EXPECT(option_is(name, read_back));
}

static void expect_refused(const char *name, const char *value)
{
    errno = ERRNO_UNTOUCHED;
    EXPECT(option_set(name, value) == -1);
    EXPECT(errno == EINVAL);
}

static void expect_fixed(const char *name, const char *held, const char *value)
{
    errno = ERRNO_UNTOUCHED;
    EXPECT(option_is(name, held) && option_set(name, value) == -1);
    EXPECT(errno == EBUSY && option_is(name, held));
}

int main(void)
{
    char value[4];
    require_tinyalloc();
    expect_set("purge_delay", "250", "250");
    expect_set("purge", "eager", "eager");
    expect_set("purge", "never", "never");
    expect_set("purge", "decay", "decay");
    expect_set("background_purge", "off", "off");
    expect_set("pressure", "off", "off");
    expect_set("region_size", "64M", "67108864");
    expect_set("huge_pages", "never", "never");
    expect_set("huge_pages", "always", "always");
    expect_set("numa", "off", "off");
    expect_set("numa", "interleave", "interleave");
    expect_set("numa", "auto", "auto");
    expect_set("stats_at_exit", "json", "json");
    expect_set("stats_at_exit", "off", "off");
    expect_set("stats_file", "/tmp/a,b", "/tmp/a,b");
    expect_set("stats_file", "/tmp/\xc3\xa9t\xc3\xa9", "/tmp/\xc3\xa9t\xc3\xa9");
    expect_set("stats_file", "", "");
    expect_set("stats_signal", "SIGUSR2", "12");
    expect_set("stats_signal", "off", "off");
    expect_set("profile", "64K", "65536");
    expect_set("profile", "on", "524288");
    expect_set("profile", "off", "off");
    expect_set("profile_file", "/tmp/a.%n", "/tmp/a.%n");
    expect_set("profile_file", "", "tinyalloc.%p.%n.heap");
    expect_set("profile_at_exit", "off", "off");
    expect_set("profile_at_exit", "on", "on");
    expect_set("profile_signal", "USR1", "10");
    expect_set("profile_signal", "off", "off");
    expect_set("profile_toggle_signal", "USR1", "10");
    expect_set("profile_toggle_signal", "off", "off");
    expect_set("profile_growth", "20", "20");
    expect_set("profile_growth", "0", "0");
    expect_set("limit", "2t", "2199023255552");
    expect_set("limit", "90%", "90%");
    expect_set("limit", "3k", "3072");
    expect_set("limit", "0", "0");
    expect_set("on_error", "report", "report");
    expect_set("on_error", "abort", "abort");
    expect_set("check_sizes", "on", "on");
    expect_set("check_sizes", "off", "off");
    expect_set("deepbind", "keep", "keep");
    expect_set("deepbind", "strip", "strip");
    expect_set("name_mappings", "on", "on");
    expect_set("name_mappings", "off", "off");
    expect_fixed("hardened", "off", "on");
    expect_fixed("quarantine", "65536", "1M");
    expect_fixed("guard", "0", "1000");
    expect_fixed("zero_on_free", "off", "on");
    expect_fixed("partitions", "off", "2");
    expect_fixed("tokens", "0", "512");
    expect_fixed("sealed", "off", "on");
    expect_fixed("valgrind", "off", "on");
    expect_refused("purge_dealy", "1");
    expect_refused("", "1");
    expect_refused("purge", "");
    expect_refused("purge", "eage");
    expect_refused("purge_delay", "1.5");
    expect_refused("purge_delay", "99999999999999999999");
    expect_refused("limit", "17000000T");
    expect_refused("limit", "0%");
    expect_refused("limit", "101%");
    expect_refused("deepbind", "on");
    expect_refused("on_error", NULL);
    expect_refused(NULL, "on");
    EXPECT(option_is("purge", "decay"));
    EXPECT(option_get("purges", value, sizeof value) == -1 && errno == EINVAL);
    EXPECT(option_get(NULL, value, sizeof value) == -1);
    EXPECT(option_get("purge", NULL, 0) == 5);
    memset(value, 'x', sizeof value);
    EXPECT(option_get("purge", value, 3) == 5);
    EXPECT(memcmp(value, "de\0x", 4) == 0);
}
