#include "talk.h"

#include "../base/out.h"

static void no_step(void *arg, const struct wl_step_event *e) {
    (void)arg;
    (void)e;
}

static void on_note(void *arg, const char *text) {
    (void)arg;
    wl_warn("%s", text);
}

static void on_info(void *arg, const char *text) {
    (void)arg;
    wl_info("%s", text);
}

static void on_verbose(void *arg, const char *text) {
    (void)arg;
    wl_verbose("%s", text);
}

struct wl_build_events wl_talk(void (*step)(void *arg, const struct wl_step_event *e), void *arg,
                               const struct wl_progress *progress) {
    return (struct wl_build_events){.step = step ? step : no_step,
                                    .note = on_note,
                                    .info = on_info,
                                    .verbose = on_verbose,
                                    .arg = arg,
                                    .progress = progress};
}
