/* What a build says while it runs, for the verbs that build, fetch or install something. */
#ifndef WL_CMD_TALK_H
#define WL_CMD_TALK_H

#include "../run/build.h"

/* Events that print: notes as warnings, what somebody who waits wants to know, what -v asks for. `step` is called with arg;
 * NULL: steps are not told. The progress is borrowed. */
struct wl_build_events wl_talk(void (*step)(void *arg, const struct wl_step_event *e), void *arg,
                               const struct wl_progress *progress);

#endif
