/* Recipes: any bytes give a recipe or an error that names a place, and what is accepted survives printing. */
#include <stdint.h>
#include <string.h>

#include "../../tool/model/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct wl_err err = {.code = WL_OK};

    if (wl_recipe_check_text("t", (const char *)data, size, &err) == 0)
        return 0;
    if (err.code != WL_RECIPE || strncmp(err.msg, "t:", 2) != 0)
        abort();
    return 0;
}
