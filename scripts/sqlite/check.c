/* What SQLite must answer; the recipe holds the answers. */
#include <stdio.h>

#include <sqlite3.h>

static int row(void *data, int n, char **values, char **names) {
    (void)data;
    (void)names;
    for (int i = 0; i < n; i++) {
        printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
    }
    printf("\n");
    return 0;
}

static void run(sqlite3 *db, const char *sql) {
    char *error = NULL;

    if (sqlite3_exec(db, sql, row, NULL, &error) != SQLITE_OK) {
        printf("error: %s\n", error);
        sqlite3_free(error);
    }
}

static int descending(void *data, int n, const void *a, int m, const void *b) {
    (void)data;
    (void)n;
    (void)m;
    return ((const char *)b)[0] - ((const char *)a)[0];
}

static void twice(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    sqlite3_result_int64(context, 2 * sqlite3_value_int64(values[0]));
}

int main(void) {
    sqlite3 *db;

    printf("%s\n", sqlite3_libversion());
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
        return 1;
    }
    sqlite3_create_collation(db, "down", SQLITE_UTF8, NULL, descending);
    sqlite3_create_function(db, "twice", 1, SQLITE_UTF8, NULL, twice, NULL, NULL);
    run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, n REAL)");
    run(db, "INSERT INTO t(name, n) VALUES ('a', 1.5), ('b', 9007199254740993), ('c', NULL)");
    run(db, "INSERT INTO t(name) VALUES ('a')");
    run(db, "SELECT id, name, n, typeof(n) FROM t ORDER BY name COLLATE down");
    run(db, "SELECT twice(4611686018427387903), 9223372036854775807 + 1, round(2.5), printf('%.3f', 1.0/3)");
    run(db, "WITH RECURSIVE f(n, a, b) AS (VALUES(1, 0, 1) UNION ALL SELECT n + 1, b, a + b FROM f WHERE n < 90)"
            " SELECT max(a) FROM f");
    run(db, "SELECT name, sum(id) OVER (ORDER BY id) FROM t");
    run(db, "SELECT json_extract('{\"a\":[1,{\"b\":\"x\"}]}', '$.a[1].b'), date('2022-11-03', '+1 month'), pow(2, 10)");
    run(db, "BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t");
    run(db, "SELECT length(randomblob(16)), randomblob(16) <> randomblob(16)");
    run(db, "PRAGMA integrity_check");
    run(db, "SELEC");
    return sqlite3_close(db);
}
