// A child that is forked while a selection goes on leaves it to its parent, and selects by itself.

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <turn_balance.h>
#include <unistd.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

// Who is called, in which process: a byte in a pipe, which a child writes to as well.
static int called[2];

static void tell(void *user, tb_selection *selection, tb_error *error) {
    CHECK(getpid() == *(pid_t *)user);
    CHECK(write(called[1], selection ? "+" : "-", 1) == 1);
    tb_selection_free(selection);
    tb_error_free(error);
}

static tb_balance *asking(const char *root) {
    tb_balance *balance = tb_balance_new();
    CHECK(tb_balance_add_root(balance, root, NULL) == TB_OK);
    return balance;
}

static void select_here(const tb_balance *balance) {
    tb_selection *selection;
    CHECK(tb_select(balance, &selection, NULL) == TB_OK);
    tb_selection_free(selection);
    pid_t self = getpid();
    tb_task *task;
    CHECK(tb_select_start(balance, tell, &self, &task, NULL) == TB_OK);
    char said;
    CHECK(read(called[0], &said, 1) == 1 && said == '+');
    tb_cancel(task);
}

static int is_called(void) {
    return poll(&(struct pollfd){.fd = called[0], .events = POLLIN}, 1, 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 3 && !pipe(called));
    tb_balance *balance = asking(argv[1]), *silent = asking(argv[2]);
    tb_balance_set_timeout(silent, 600000);
    pid_t self = getpid();
    tb_task *waiting, *ended;
    CHECK(tb_select_start(silent, tell, &self, &waiting, NULL) == TB_OK);
    CHECK(tb_select_start(balance, tell, &self, &ended, NULL) == TB_OK);
    char said;
    CHECK(read(called[0], &said, 1) == 1 && said == '+');
    pid_t child = fork();
    if (!child) {
        tb_cancel(waiting), tb_cancel(ended);
        select_here(balance);
        // As programs end, with what that entails.
        exit(7);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    // That of the parent has not noticed.
    CHECK(!is_called());
    select_here(balance);
    tb_cancel(waiting), tb_cancel(ended);
    CHECK(!is_called());
    tb_balance_free(balance), tb_balance_free(silent);
    puts("whole");
}
