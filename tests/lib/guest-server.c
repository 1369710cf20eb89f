/* Runs a WasmEdge module many times, loaded once, for test suites of thousands of programs:
 *
 *   guest-server serve SOCKET LIBRARY MODULE     loads the module with the libwasmedge named, answers on the socket
 *   guest-server run SOCKET ARGUMENTS...         one run of it: our streams, our environment, our folder as PWD, the
 *                                                host's files; exits as the guest does (134: trap). After
 *                                                PHP_GUEST_SECONDS of processor time it ends by SIGXCPU,
 *                                                after 16 MiB of output by SIGXFSZ
 *
 * Each run is a process of its own, forked after loading: what a run sees is what `wasmedge run --dir /:/` gives.
 * The declarations of WasmEdge's C interface (0.14) are written out here because its headers need not be installed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_REQUEST (4u << 20)
#define MAX_WORDS 4096
#define TRAP_STATUS 134
/* What a run may take beyond its processor time, for one that waits: so many times as long. */
#define WAIT_FACTOR 30
/* Of standard output: what runs the tests keeps it in memory, and a test may write for ever. */
#define MAX_OUTPUT (16u << 20)

struct result {
    uint32_t code;
};
struct wasm_string {
    uint32_t length;
    const char *text;
};

/* What a request begins with; the words follow, each with its NUL. */
struct request {
    uint32_t bytes, args, envs;
    uint32_t seconds; /* of processor time; 0: any */
};

static struct {
    void *(*ConfigureCreate)(void);
    void (*ConfigureAddHostRegistration)(void *, int);
    void *(*LoaderCreate)(void *);
    struct result (*LoaderParseFromFile)(void *, void **, const char *);
    void *(*ValidatorCreate)(void *);
    struct result (*ValidatorValidate)(void *, void *);
    void *(*ExecutorCreate)(void *, void *);
    void *(*StoreCreate)(void);
    void *(*ModuleInstanceCreateWASI)(const char *const *, uint32_t, const char *const *, uint32_t, const char *const *,
                                      uint32_t);
    struct result (*ExecutorRegisterImport)(void *, void *, void *);
    struct result (*ExecutorInstantiate)(void *, void **, void *, void *);
    void *(*ModuleInstanceFindFunction)(void *, struct wasm_string);
    struct result (*ExecutorInvoke)(void *, void *, void *, uint32_t, void *, uint32_t);
    uint32_t (*ModuleInstanceWASIGetExitCode)(void *);
    int (*ResultOK)(struct result);
    const char *(*ResultGetMessage)(struct result);
    void (*LogSetErrorLevel)(void);
} we;

static void die(const char *what, const char *why) {
    fprintf(stderr, "guest-server: %s: %s\n", what, why);
    exit(TRAP_STATUS);
}

static void good(struct result result, const char *what) {
    if (!(we.ResultOK(result) & 0xff)) {
        die(what, we.ResultGetMessage(result));
    }
}

static void load_library(const char *path) {
    void *library = dlopen(path, RTLD_NOW);

    if (!library) {
        die(path, dlerror());
    }
#define GET(name)                                                                                                      \
    do {                                                                                                               \
        *(void **)&we.name = dlsym(library, "WasmEdge_" #name);                                                        \
        if (!we.name) {                                                                                                \
            die(#name, "not in the library");                                                                          \
        }                                                                                                              \
    } while (0)
    GET(ConfigureCreate);
    GET(ConfigureAddHostRegistration);
    GET(LoaderCreate);
    GET(LoaderParseFromFile);
    GET(ValidatorCreate);
    GET(ValidatorValidate);
    GET(ExecutorCreate);
    GET(StoreCreate);
    GET(ModuleInstanceCreateWASI);
    GET(ExecutorRegisterImport);
    GET(ExecutorInstantiate);
    GET(ModuleInstanceFindFunction);
    GET(ExecutorInvoke);
    GET(ModuleInstanceWASIGetExitCode);
    GET(ResultOK);
    GET(ResultGetMessage);
    GET(LogSetErrorLevel);
}

/* The guest, to its end. */
static _Noreturn void run_guest(void *executor, void *module, const char **args, uint32_t n_args, const char **envs,
                                uint32_t n_envs) {
    static const char *root[] = {"/:/"};
    static const char start[] = "_start";
    void *store = we.StoreCreate(), *instance = NULL, *function;
    void *wasi = we.ModuleInstanceCreateWASI(args, n_args, envs, n_envs, root, 1);
    struct result result;

    good(we.ExecutorRegisterImport(executor, store, wasi), "WASI");
    good(we.ExecutorInstantiate(executor, &instance, store, module), "instantiate");
    function = we.ModuleInstanceFindFunction(instance, (struct wasm_string){sizeof(start) - 1, start});
    if (!function) {
        die("_start", "not there");
    }
    result = we.ExecutorInvoke(executor, function, NULL, 0, NULL, 0);
    if (!(we.ResultOK(result) & 0xff)) {
        die("trap", we.ResultGetMessage(result));
    }
    _exit((int)we.ModuleInstanceWASIGetExitCode(wasi));
}

/* Reads all of a request: the words into *ret_words (heap), the three streams into fds. */
static int read_request(int connection, struct request *head, char **ret_words, int fds[3]) {
    char control[CMSG_SPACE(3 * sizeof(int))];
    struct iovec iov = {head, sizeof(*head)};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *rights;
    size_t at = 0;

    if (recvmsg(connection, &message, MSG_WAITALL) != (ssize_t)sizeof(*head) || head->bytes > MAX_REQUEST) {
        return -1;
    }
    rights = CMSG_FIRSTHDR(&message);
    if (!rights || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(3 * sizeof(int))) {
        return -1;
    }
    memcpy(fds, CMSG_DATA(rights), 3 * sizeof(int));
    *ret_words = malloc(head->bytes + 1);
    while (*ret_words && at < head->bytes) {
        ssize_t got = read(connection, *ret_words + at, head->bytes - at);

        if (got <= 0) {
            return -1;
        }
        at += (size_t)got;
    }
    return *ret_words && head->args + head->envs <= MAX_WORDS ? 0 : -1;
}

/* One connection: the guest in a child, ended when the other side goes away. */
static _Noreturn void answer(int connection, int listener, void *executor, void *module) {
    struct request head;
    const char *list[MAX_WORDS];
    char *words;
    int fds[3], gone[2], status = 0;
    pid_t child;

    close(listener);
    if (read_request(connection, &head, &words, fds) < 0 || pipe(gone) < 0) {
        _exit(1);
    }
    for (uint32_t i = 0; i < head.args + head.envs; i++) {
        list[i] = words;
        words += strlen(words) + 1;
    }
    signal(SIGCHLD, SIG_DFL);
    child = fork();
    if (child == 0) {
        close(connection);
        close(gone[0]); /* the other end stays open until this process ends */
        for (int i = 0; i < 3; i++) {
            dup2(fds[i], i);
            close(fds[i]);
        }
        if (head.seconds) {
            setrlimit(RLIMIT_CPU, &(struct rlimit){head.seconds, head.seconds + 1});
        }
        run_guest(executor, module, list, head.args, list + head.args, head.envs);
    }
    close(gone[1]);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
        close(i);
    }
    struct pollfd wait_for[2] = {{gone[0], POLLIN, 0}, {connection, POLLIN, 0}};
    poll(wait_for, 2, -1);
    if (wait_for[1].revents) {
        kill(child, SIGKILL);
    }
    waitpid(child, &status, 0);
    if (write(connection, &status, sizeof(status)) < 0) {
        _exit(1);
    }
    _exit(0);
}

static struct sockaddr_un address(const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(name.sun_path)) {
        die(path, "too long for a socket");
    }
    strcpy(name.sun_path, path);
    return name;
}

static _Noreturn void serve(const char *path, const char *library, const char *file) {
    struct sockaddr_un name = address(path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    void *configuration, *module = NULL, *executor;

    load_library(library);
    we.LogSetErrorLevel();
    configuration = we.ConfigureCreate();
    we.ConfigureAddHostRegistration(configuration, 0);
    good(we.LoaderParseFromFile(we.LoaderCreate(configuration), &module, file), file);
    good(we.ValidatorValidate(we.ValidatorCreate(configuration), module), file);
    executor = we.ExecutorCreate(configuration, NULL);
    signal(SIGCHLD, SIG_IGN);
    unlink(path);
    if (bind(listener, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(listener, 64) < 0) {
        die(path, strerror(errno));
    }
    /* ready: whoever started us waits for this line */
    puts("ready");
    fflush(stdout);
    for (;;) {
        int connection = accept(listener, NULL, NULL);

        if (connection >= 0 && fork() == 0) {
            answer(connection, listener, executor, module);
        }
        close(connection);
    }
}

static int append(char *to, uint32_t *at, const char *word) {
    size_t size = strlen(word) + 1;

    if (*at + size > MAX_REQUEST) {
        return -1;
    }
    memcpy(to + *at, word, size);
    *at += (uint32_t)size;
    return 0;
}

static int same_file(int a, int b) {
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* From fd to standard output, up to the end. */
static void relay(int fd) {
    static char buffer[64 << 10];
    size_t total = 0;
    ssize_t n;

    while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0, put; at < n; at += put) {
            put = write(1, buffer + at, (size_t)(n - at));
            if (put < 0) {
                exit(TRAP_STATUS);
            }
        }
        total += (size_t)n;
        if (total > MAX_OUTPUT) {
            raise(SIGXFSZ); /* and the server ends the guest, as nobody is connected */
        }
    }
}

static int run(const char *path, char **args, char **environment, unsigned seconds) {
    static char words[MAX_REQUEST], pwd[8192] = "PWD=";
    struct sockaddr_un name = address(path);
    struct request head = {0, 0, 1, seconds};
    int fds[3] = {0, 1, 2}, output[2], status, connection = socket(AF_UNIX, SOCK_STREAM, 0);
    char control[CMSG_SPACE(sizeof(fds))] = {0};
    struct iovec iov = {&head, sizeof(head)};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    int fits = append(words, &head.bytes, "php.wasm") == 0;

    for (head.args = 1; *args; head.args++) {
        fits = fits && append(words, &head.bytes, *args++) == 0;
    }
    if (!getcwd(pwd + 4, sizeof(pwd) - 4)) {
        die("getcwd", strerror(errno));
    }
    fits = fits && append(words, &head.bytes, pwd) == 0;
    for (; *environment; environment++) {
        if (strncmp(*environment, "PWD=", 4) != 0) {
            fits = fits && append(words, &head.bytes, *environment) == 0;
            head.envs++;
        }
    }
    if (!fits || connect(connection, (struct sockaddr *)&name, sizeof(name)) < 0) {
        die(path, fits ? strerror(errno) : "too long a command");
    }
    if (pipe(output) < 0) {
        die("pipe", strerror(errno));
    }
    fds[1] = output[1];
    fds[2] = same_file(1, 2) ? output[1] : 2;
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(fds));
    memcpy(CMSG_DATA(rights), fds, sizeof(fds));
    if (sendmsg(connection, &message, 0) < 0 || write(connection, words, head.bytes) != (ssize_t)head.bytes) {
        die(path, strerror(errno));
    }
    close(output[1]);
    relay(output[0]);
    if (read(connection, &status, sizeof(status)) != (ssize_t)sizeof(status)) {
        die(path, "lost");
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        raise(SIGXCPU);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "serve") == 0) {
        serve(argv[2], argv[3], argv[4]);
    }
    if (argc >= 3 && strcmp(argv[1], "run") == 0) {
        const char *limit = getenv("PHP_GUEST_SECONDS");
        unsigned seconds = limit ? (unsigned)atoi(limit) : 0;

        alarm(seconds * WAIT_FACTOR);
        return run(argv[2], argv + 3, environ, seconds);
    }
    fprintf(stderr, "usage: guest-server serve SOCKET LIBRARY MODULE | run SOCKET ARGUMENTS...\n");
    return 2;
}
