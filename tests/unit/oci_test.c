/* registry/oci: the documents of an image, byte for byte, and what is refused. */
#include <string.h>

#include "test.h"

#include "../../registry/oci.h"

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define CONFIG "{\"mediaType\":\"" WL_MT_CONFIG "\",\"digest\":\"" D1 "\",\"size\":2}"
#define LAYER "{\"mediaType\":\"" WL_MT_LAYER_GZIP "\",\"digest\":\"" D2 "\",\"size\":3}"
#define MANIFEST                                                                                                       \
    "{\"schemaVersion\":2,\"mediaType\":\"" WL_MT_MANIFEST "\",\"config\":" CONFIG ",\"layers\":[" LAYER "]}"

static struct wl_blob blob(const char *s) {
    return (struct wl_blob){(const uint8_t *)s, strlen(s)};
}

/* Reads and writes again: the bytes must be the same. */
static void manifest_round_trip(void **state) {
    static const char *const texts[] = {
        MANIFEST,
        "{\"schemaVersion\":2,\"mediaType\":\"" WL_MT_MANIFEST
        "\",\"artifactType\":\"application/x\",\"config\":" CONFIG ",\"layers\":[],\"subject\":" LAYER
        ",\"annotations\":{\"a\":\"1\",\"b\":\"\\u0001\"}}",
        "{\"schemaVersion\":2,\"mediaType\":\"" WL_MT_DOCKER_MANIFEST "\",\"config\":" CONFIG ",\"layers\":[" LAYER
        "," LAYER "]}",
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(texts); i++) {
        WL_AUTO(wl_arena_release) struct wl_arena a = {0};
        WL_AUTO(wl_buf_release) struct wl_buf out = {0};
        struct wl_oci_manifest m;
        struct wl_err err;

        assert_ok(wl_oci_manifest_parse("m", blob(texts[i]), NULL, WL_OCI_REMOTE, &a, &m, &err));
        wl_oci_manifest_write(&m, &out);
        assert_string_equal(wl_buf_str(&out), texts[i]);
    }
}

static void index_round_trip(void **state) {
    static const char *const text =
        "{\"schemaVersion\":2,\"mediaType\":\"" WL_MT_INDEX "\",\"manifests\":["
        "{\"mediaType\":\"" WL_MT_MANIFEST "\",\"digest\":\"" D1 "\",\"size\":7,"
        "\"platform\":{\"architecture\":\"wasm\",\"os\":\"wasi\"}},"
        "{\"mediaType\":\"" WL_MT_MANIFEST "\",\"digest\":\"" D2 "\",\"size\":8,\"annotations\":{\"k\":\"v\"},"
        "\"platform\":{\"architecture\":\"wasm\",\"os\":\"wasi\",\"os.version\":\"1\",\"os.features\":[\"f\"],"
        "\"variant\":\"aot\"}}]}";
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_oci_index x;
    struct wl_err err;

    (void)state;
    assert_ok(wl_oci_index_parse("x", blob(text), WL_MT_INDEX "; charset=utf-8", WL_OCI_REMOTE, &a, &x, &err));
    assert_null(x.manifests.v[0].platform.variant);
    assert_string_equal(x.manifests.v[1].platform.variant, "aot");
    wl_oci_index_write(&x, &out);
    assert_string_equal(wl_buf_str(&out), text);
}

static void config_round_trip(void **state) {
    static const char *const text =
        "{\"created\":\"2022-11-01T10:35:00Z\",\"author\":\"me\",\"architecture\":\"wasm\",\"os\":\"wasi\","
        "\"variant\":\"aot\",\"config\":{\"User\":\"1\",\"ExposedPorts\":{\"80/tcp\":{}},\"Env\":[\"A=1\",\"B=\"],"
        "\"Entrypoint\":[\"/php.wasm\"],\"Cmd\":[\"-v\"],\"Volumes\":{\"/d\":{}},\"WorkingDir\":\"/w\","
        "\"Labels\":{\"a\":\"x\",\"z\":\"y\"},\"StopSignal\":\"SIGTERM\"},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\",\"" D2 "\"]},"
        "\"history\":[{\"created\":\"2022-11-01T10:35:00Z\",\"created_by\":\"wlpack\",\"author\":\"a\","
        "\"comment\":\"c\",\"empty_layer\":true}]}";
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_oci_config c;
    struct wl_err err;

    (void)state;
    assert_ok(wl_oci_config_parse("c", blob(text), WL_OCI_LOCAL, &a, &c, &err));
    wl_oci_config_write(&c, &out);
    assert_string_equal(wl_buf_str(&out), text);
}

/* The order in which annotations were set does not show. */
static void sorted_annotations(void **state) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf out = {0};
    struct wl_oci_descriptor d = wl_oci_descriptor_of(WL_MT_EMPTY, blob("{}"));

    (void)state;
    wl_oci_pairs_set(&d.annotations, &a, "b", "old");
    wl_oci_pairs_set(&d.annotations, &a, "c", "3");
    wl_oci_pairs_set(&d.annotations, &a, "a", "1");
    wl_oci_pairs_set(&d.annotations, &a, "b", "2");
    wl_oci_pairs_unset(&d.annotations, "c");
    wl_oci_descriptor_write(&d, &out);
    assert_string_equal(wl_buf_str(&out),
                        "{\"mediaType\":\"" WL_MT_EMPTY "\",\"digest\":\"sha256:"
                        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2,"
                        "\"annotations\":{\"a\":\"1\",\"b\":\"2\"}}");
}

static void tolerant(void **state) {
    static const char *const text =
        "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"mediaType\":\"application/x-new\",\"digest\":\"" D2
        "\",\"size\":0,\"urls\":[\"https://example.com/x\"],\"data\":\"e30=\",\"annotations\":null}],\"new\":{}}";
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_manifest m;
    enum wl_oci_kind kind;
    struct wl_err err;

    (void)state;
    assert_ok(wl_oci_manifest_parse("m", blob(text), NULL, WL_OCI_REMOTE, &a, &m, &err));
    assert_string_equal(m.media_type, WL_MT_MANIFEST);
    assert_string_equal(m.layers.v[0].media_type, "application/x-new");
    assert_ok(wl_oci_kind_of_text("m", blob(text), WL_OCI_REMOTE, &kind, &err));
    assert_int_equal(kind, WL_OCI_MANIFEST);
}

#define DESCRIPTOR(members) "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"mediaType\":\"x\"," members "}]}"

static void refused_manifests(void **state) {
    static const struct {
        const char *text, *type, *why;
    } cases[] = {
        {"", NULL, "m:1:"},
        {"[]", NULL, "must be an object"},
        {"{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, "must be 2"},
        {"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, "refused"},
        {"{\"schemaVersion\":2,\"manifests\":[]}", NULL, "is an image index, not"},
        {MANIFEST, WL_MT_INDEX, "was announced as"},
        {MANIFEST, WL_MT_DOCKER_MANIFEST, "was announced as"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" WL_MT_INDEX "\",\"config\":" CONFIG ",\"layers\":[]}", NULL,
         "not those of an image index"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" WL_MT_MANIFEST "\",\"manifests\":[]}", NULL,
         "not those of an image manifest"},
        {"{\"schemaVersion\":2,\"mediaType\":\"text/html\",\"config\":" CONFIG ",\"layers\":[]}", NULL, "is neither"},
        {"{\"schemaVersion\":2,\"layers\":[]}", NULL, "\"config\" is missing"},
        {"{\"schemaVersion\":2,\"config\":" CONFIG "}", NULL, "\"layers\" is missing"},
        {"{\"schemaVersion\":2,\"schemaVersion\":2}", NULL, "duplicate"},
        {DESCRIPTOR("\"digest\":\"" D1 "\",\"size\":-1"), NULL, "$.layers[0]: a size of -1"},
        {DESCRIPTOR("\"digest\":\"" D1 "\",\"size\":9223372036854775807"), NULL, "out of range"},
        {DESCRIPTOR("\"digest\":\"" D1 "\",\"size\":1.5"), NULL, "must be an integer"},
        {DESCRIPTOR("\"digest\":\"" D1 "\",\"size\":\"1\""), NULL, "must be an integer"},
        {DESCRIPTOR("\"digest\":\"" D1 "\""), NULL, "\"size\" is missing"},
        {DESCRIPTOR("\"digest\":\"sha256:../../x\",\"size\":1"), NULL, "is no digest"},
        {DESCRIPTOR("\"digest\":\"sha512:11\",\"size\":1"), NULL, "is no digest"},
        {DESCRIPTOR(
             "\"digest\":\"SHA256:1111111111111111111111111111111111111111111111111111111111111111\",\"size\":1"),
         NULL, "is no digest"},
        {DESCRIPTOR("\"digest\":\"" D1 "\",\"size\":1,\"annotations\":{\"a\":1}"), NULL, "must be a string"},
        {DESCRIPTOR("\"digest\":\"" D1 "\",\"size\":1,\"platform\":{\"os\":\"x\"}"), NULL,
         "$.layers[0].platform: \"architecture\" is missing"},
    };

    (void)state;
    for (size_t i = 0; i < WL_ARRAY_LEN(cases); i++) {
        WL_AUTO(wl_arena_release) struct wl_arena a = {0};
        struct wl_oci_manifest m;
        struct wl_err err;

        assert_fails(wl_oci_manifest_parse("m", blob(cases[i].text), cases[i].type, WL_OCI_REMOTE, &a, &m, &err),
                     WL_NET, cases[i].why);
    }
}

static void limits(void **state) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_oci_manifest m;
    struct wl_err err;

    (void)state;
    wl_buf_adds(&b, MANIFEST);
    while (b.len <= WL_OCI_DOC_MAX)
        wl_buf_addf(&b, "%65536s", "");
    assert_fails(wl_oci_manifest_parse("m", (struct wl_blob){(uint8_t *)b.p, b.len}, NULL, WL_OCI_REMOTE, &a, &m, &err),
                 WL_NET, "at most 4194304");
    wl_buf_clear(&b);
    wl_buf_adds(&b, "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER);
    for (int i = 0; i < WL_OCI_ITEMS_MAX; i++)
        wl_buf_adds(&b, "," LAYER);
    wl_buf_adds(&b, "]}");
    assert_fails(wl_oci_manifest_parse("m", (struct wl_blob){(uint8_t *)b.p, b.len}, NULL, WL_OCI_LOCAL, &a, &m, &err),
                 WL_FAILED, "at most 4096");
}

/* Manifests of nearly 4 MB must work. */
static void large(void **state) {
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    WL_AUTO(wl_buf_release) struct wl_buf b = {0};
    struct wl_oci_manifest m;
    struct wl_err err;
    char value[1001];

    (void)state;
    memset(value, 'v', 1000);
    value[1000] = '\0';
    wl_buf_adds(&b, "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" LAYER "],\"annotations\":{\"k\":\"\"");
    for (int i = 0; i < 4000; i++)
        wl_buf_addf(&b, ",\"k%d\":\"%s\"", i, value);
    wl_buf_adds(&b, "}}");
    assert_true(b.len > 4000000 && b.len < WL_OCI_DOC_MAX);
    assert_ok(wl_oci_manifest_parse("m", (struct wl_blob){(uint8_t *)b.p, b.len}, NULL, WL_OCI_REMOTE, &a, &m, &err));
    assert_int_equal(m.annotations.n, 4001);
}

static void platforms(void **state) {
    static const char *const bad[] = {"", "wasi", "wasi/", "/wasm", "wasi/wasm/", "a/b/c/d", "Wasi/wasm", "a b/c"};
    WL_AUTO(wl_arena_release) struct wl_arena a = {0};
    struct wl_oci_platform p;
    struct wl_oci_platform q;
    struct wl_err err;
    WL_AUTOFREE char *s = NULL;

    (void)state;
    assert_ok(wl_oci_platform_parse("linux/arm/v7", &a, &p, &err));
    s = wl_oci_platform_str(&p);
    assert_string_equal(s, "linux/arm/v7");
    assert_ok(wl_oci_platform_parse("linux/arm", &a, &q, &err));
    assert_null(q.variant);
    assert_false(wl_oci_platform_equal(&p, &q));
    assert_true(wl_oci_platform_equal(&q, &q));
    for (size_t i = 0; i < WL_ARRAY_LEN(bad); i++)
        assert_fails(wl_oci_platform_parse(bad[i], &a, &p, &err), WL_USAGE, "is no platform");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_round_trip),
        cmocka_unit_test(index_round_trip),
        cmocka_unit_test(config_round_trip),
        cmocka_unit_test(sorted_annotations),
        cmocka_unit_test(tolerant),
        cmocka_unit_test(refused_manifests),
        cmocka_unit_test(limits),
        cmocka_unit_test(large),
        cmocka_unit_test(platforms),
    };

    return cmocka_run_group_tests_name("oci", tests, NULL, NULL);
}
