/* One signal may request several things, and an option that moves to another signal leaves the
 * handlers of the others in place. */
#include "profile.h"

#include <signal.h>

static bool is_sampling(void) { return !option_is("profile", "off"); }

static int work(void)
{
    EXPECT(option_set("profile_signal", "USR2") == 0 && option_set("profile_toggle_signal", "USR2") == 0);
    EXPECT(option_set("profile_signal", "USR1") == 0);
    raise(SIGUSR2);
    EXPECT(is_sampling());
    EXPECT(option_set("stats_signal", "USR2") == 0 && option_set("profile_toggle_signal", "USR1") == 0);
    raise(SIGUSR2);
    EXPECT(is_sampling());
    raise(SIGUSR1);
    EXPECT(!is_sampling());
    EXPECT(option_set("stats_signal", "off") == 0 && option_set("profile_toggle_signal", "off") == 0);
    raise(SIGUSR1);
    struct sigaction now;
    EXPECT(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    EXPECT(option_set("profile_signal", "off") == 0);
    EXPECT(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    return 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return work();
    struct run run = run_with("stats_file=stats,profile_file=dump.%n", "work");
    EXPECT(succeeded(&run));
    EXPECT(unlink("dump.0") == 0 && unlink("dump.1") == 0 && unlink("dump.2") != 0 && unlink("stats") == 0);
}
