// Opens a library as a plug-in is opened, and prints which of the symbols that it is told are not there in a version.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const char *(*version)(void) = (const char *(*)(void))dlsym(library, "tb_version");
    printf("%s\n", version ? version() : "no version");
    for (int i = 3; i < argc; i++)
        if (!dlvsym(library, argv[i], argv[2]))
            printf("%s\n", argv[i]);
    return dlclose(library);
}
