#include "rpc/ui.h"

/* The assembler takes the files in as they lie in the tree. */
#define EMBED(name, file)                                                                                                              \
    __asm__(".pushsection .rodata\n.global ui_" #name "\n.global ui_" #name "_end\nui_" #name ":\n.incbin \"rpc/ui/" file "\"\nui_"    \
            #name "_end:\n.byte 0\n.popsection\n");                                                                                    \
    extern const char ui_##name[], ui_##name##_end[]

EMBED(page, "index.html");
EMBED(style, "style.css");
EMBED(model, "model.js");
EMBED(views, "views.js");
EMBED(app, "app.js");

bool ui_find(struct ui_file *out, struct span path) {
    const struct {
        const char *path, *content_type, *begin, *end;
    } files[] = {
        {"/ui", "text/html; charset=utf-8", ui_page, ui_page_end},
        {"/ui/", "text/html; charset=utf-8", ui_page, ui_page_end},
        {"/ui/style.css", "text/css; charset=utf-8", ui_style, ui_style_end},
        {"/ui/model.js", "text/javascript; charset=utf-8", ui_model, ui_model_end},
        {"/ui/views.js", "text/javascript; charset=utf-8", ui_views, ui_views_end},
        {"/ui/app.js", "text/javascript; charset=utf-8", ui_app, ui_app_end},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (span_equal(path, span_text(files[i].path))) {
            *out = (struct ui_file){files[i].path, files[i].content_type, span_of(files[i].begin, (size_t)(files[i].end - files[i].begin))};
            return true;
        }
    return false;
}
