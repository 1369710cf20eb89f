/* What oniguruma must answer; the recipe holds the answers. */
#include <stdio.h>
#include <string.h>

#include "oniguruma.h"

static int count;

static void try_it(OnigEncoding enc, const char *pattern, const char *text, OnigOptionType options) {
    const OnigUChar *p = (const OnigUChar *)pattern, *s = (const OnigUChar *)text;
    const OnigUChar *end = s + strlen(text);
    OnigUChar what[ONIG_MAX_ERROR_MESSAGE_LEN];
    OnigRegion *region = onig_region_new();
    OnigErrorInfo info;
    OnigRegex re;
    int r;

    r = onig_new(&re, p, p + strlen(pattern), options, enc, ONIG_SYNTAX_RUBY, &info);
    if (r != ONIG_NORMAL) {
        what[onig_error_code_to_str(what, r, &info)] = 0;
        printf("%d: %s\n", ++count, (char *)what);
        onig_region_free(region, 1);
        return;
    }
    r = onig_search(re, s, end, s, end, region, ONIG_OPTION_NONE);
    printf("%d: %d", ++count, r);
    for (int i = 0; r >= 0 && i < region->num_regs; i++) {
        printf(" %d-%d", region->beg[i], region->end[i]);
    }
    printf("\n");
    onig_region_free(region, 1);
    onig_free(re);
}

int main(void) {
    OnigEncoding all[] = {ONIG_ENCODING_UTF8, ONIG_ENCODING_EUC_JP, ONIG_ENCODING_SJIS};

    if (onig_initialize(all, 3) != ONIG_NORMAL) {
        return 1;
    }
    printf("%s\n", onig_version());
    try_it(ONIG_ENCODING_UTF8, "(?<y>\\d{4})-(?<m>\\d\\d)", "on 2022-11-03", 0);
    try_it(ONIG_ENCODING_UTF8, "\xc3\xa4+(?=o)", "x\xc3\x84\xc3\xa4o", ONIG_OPTION_IGNORECASE);
    try_it(ONIG_ENCODING_UTF8, "\\p{Greek}+", "abc \xce\xb1\xce\xb2\xce\xb3", 0);
    try_it(ONIG_ENCODING_UTF8, "(\\((?:[^()]|\\g<1>)*\\))", "f(a(b)c)(", 0);
    try_it(ONIG_ENCODING_EUC_JP, "\xa4\xa2", "\xa5\xa4\xa4\xa2", 0);
    try_it(ONIG_ENCODING_SJIS, "\\p{Katakana}", "a\x83\x41", 0);
    try_it(ONIG_ENCODING_UTF8, "(a", "a", 0);
    onig_end();
    return 0;
}
