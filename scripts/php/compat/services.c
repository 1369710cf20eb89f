/* Services by name and number: the well-known ones, WASI has no list of its own. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct service {
    const char *name, *alias;
    int port;
    bool tcp, udp;
} services[] = {
    {"echo", NULL, 7, true, true},
    {"discard", "sink", 9, true, true},
    {"daytime", NULL, 13, true, false},
    {"ftp-data", NULL, 20, true, false},
    {"ftp", NULL, 21, true, false},
    {"ssh", NULL, 22, true, false},
    {"telnet", NULL, 23, true, false},
    {"smtp", "mail", 25, true, false},
    {"time", NULL, 37, true, true},
    {"whois", "nicname", 43, true, false},
    {"domain", NULL, 53, true, true},
    {"tftp", NULL, 69, false, true},
    {"gopher", NULL, 70, true, false},
    {"finger", NULL, 79, true, false},
    {"http", "www", 80, true, false},
    {"kerberos", NULL, 88, true, true},
    {"pop3", "pop-3", 110, true, false},
    {"sunrpc", "portmapper", 111, true, true},
    {"nntp", NULL, 119, true, false},
    {"ntp", NULL, 123, false, true},
    {"imap2", "imap", 143, true, false},
    {"snmp", NULL, 161, true, true},
    {"ldap", NULL, 389, true, true},
    {"https", NULL, 443, true, true},
    {"syslog", NULL, 514, false, true},
    {"submission", NULL, 587, true, false},
    {"ldaps", NULL, 636, true, true},
    {"imaps", NULL, 993, true, false},
    {"pop3s", NULL, 995, true, false},
    {"mysql", NULL, 3306, true, false},
    {"postgresql", "postgres", 5432, true, false},
    {"redis", NULL, 6379, true, false},
    {"memcached", NULL, 11211, true, true},
};

static bool speaks(const struct service *service, const char *protocol) {
    return !protocol || (service->tcp && strcmp(protocol, "tcp") == 0) ||
           (service->udp && strcmp(protocol, "udp") == 0);
}

/* As with every C library, the answer is good until the next question. */
static struct servent *answer(const struct service *service, const char *protocol) {
    static char *aliases[2];
    static struct servent result;

    aliases[0] = (char *)service->alias;
    result.s_name = (char *)service->name;
    result.s_aliases = aliases;
    result.s_port = htons((unsigned short)service->port);
    result.s_proto = (char *)(protocol ? protocol : service->tcp ? "tcp" : "udp");
    return &result;
}

struct servent *getservbyname(const char *name, const char *protocol) {
    for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
        const struct service *at = &services[i];

        if ((strcmp(at->name, name) == 0 || (at->alias && strcmp(at->alias, name) == 0)) && speaks(at, protocol)) {
            return answer(at, protocol);
        }
    }
    return NULL;
}

struct servent *getservbyport(int port, const char *protocol) {
    for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
        if (services[i].port == ntohs((unsigned short)port) && speaks(&services[i], protocol)) {
            return answer(&services[i], protocol);
        }
    }
    return NULL;
}
