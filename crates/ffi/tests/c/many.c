// Two threads with five hundred selections each, of which some are cancelled and some fail. What belongs to one is
// freed as soon as that has ended, so that whoever looks at memory sees what is used too late.

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <turn_balance.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char *root, *closed;
static int times;

// What a callback is given.
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t called;
    int calls;
    tb_status status;
    tb_task *task;
} told;

// How many callbacks have cancelled themselves.
static atomic_int themselves;

// How many TURN servers have answered themselves: on a busy machine not each one does so in time.
static atomic_int verified;

static void tell(void *user, tb_selection *selection, tb_error *error) {
    told *told = user;
    CHECK((selection == NULL) != (error == NULL));
    pthread_mutex_lock(&told->mutex);
    told->calls++;
    told->status = tb_error_status(error);
    pthread_cond_signal(&told->called);
    pthread_mutex_unlock(&told->mutex);
    tb_selection_free(selection);
    tb_error_free(error);
}

static void tell_and_cancel(void *user, tb_selection *selection, tb_error *error) {
    told *told = user;
    tb_cancel(told->task);
    CHECK(selection && !error);
    tb_selection_free(selection);
    free(told);
    themselves++;
}

static tb_balance *asking(const char *addr) {
    tb_balance *balance = tb_balance_new();
    CHECK(tb_balance_add_root(balance, addr, NULL) == TB_OK);
    CHECK(tb_balance_set_timeout(balance, 5000) == TB_OK);
    return balance;
}

// What comes into JSON is as it was, whatever it is; what is none is refused.
static void configures(const tb_selection *selection) {
    char *ice = tb_selection_ice_json(selection, 0, "a\"\\\n\x01", "\xc3\xa4");
    CHECK(strstr(ice, "\"username\":\"a\\\"\\\\\\n\\u0001\",\"credential\":\"\xc3\xa4\""));
    tb_string_free(ice);
    CHECK(!tb_selection_ice_json(selection, 0, "a\xff", "b"));
    CHECK(!tb_selection_ice_json(selection, 0, "a", "\xed\xa0\x80"));
    CHECK(!tb_selection_ice_json(selection, 0, "a", NULL));
}

static void waits(void) {
    tb_balance *balance = asking(root);
    tb_selection *selection;
    tb_error *error;
    CHECK(tb_select(balance, &selection, &error) == TB_OK && !error);
    CHECK(strstr(tb_selection_turn(selection), ":3478"));
    verified += tb_selection_verified(selection);
    configures(selection);
    CHECK(tb_selection_hop(selection, 0) && !tb_selection_hop(selection, 99));
    tb_selection_free(selection);
    tb_balance_free(balance);
}

static void fails(void) {
    tb_balance *balance = asking(closed);
    tb_selection *selection;
    tb_error *error;
    CHECK(tb_select(balance, &selection, &error) == TB_UNREACHABLE && !selection);
    CHECK(strstr(tb_error_message(error), closed));
    tb_error_free(error);
    CHECK(tb_balance_add_root(balance, "no root:", &error) == TB_BAD_ROOT);
    CHECK(strstr(tb_error_message(error), "no root:"));
    tb_error_free(error);
    tb_balance_free(balance);
}

static told *new_told(void) {
    told *told = calloc(1, sizeof *told);
    pthread_mutex_init(&told->mutex, NULL);
    pthread_cond_init(&told->called, NULL);
    return told;
}

static void free_told(told *told) {
    pthread_cond_destroy(&told->called);
    pthread_mutex_destroy(&told->mutex);
    free(told);
}

static void starts(void) {
    tb_balance *balance = asking(root);
    told *told = new_told();
    CHECK(tb_select_start(balance, tell, told, &told->task, NULL) == TB_OK);
    // What was started has what it needs.
    tb_balance_free(balance);
    pthread_mutex_lock(&told->mutex);
    while (!told->calls)
        pthread_cond_wait(&told->called, &told->mutex);
    CHECK(told->status == TB_OK);
    pthread_mutex_unlock(&told->mutex);
    tb_cancel(told->task);
    CHECK(told->calls == 1);
    free_told(told);
}

static void cancels_itself(void) {
    tb_balance *balance = asking(root);
    told *told = calloc(1, sizeof *told);
    CHECK(tb_select_start(balance, tell_and_cancel, told, &told->task, NULL) == TB_OK);
    tb_balance_free(balance);
}

// What a callback is given that is cancelled while it runs.
typedef struct {
    pthread_barrier_t begun;
    int ended;
} running;

static void tell_slowly(void *user, tb_selection *selection, tb_error *error) {
    running *running = user;
    pthread_barrier_wait(&running->begun);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    tb_selection_free(selection);
    tb_error_free(error);
    running->ended = 1;
}

static void waits_for_a_callback(void) {
    tb_balance *balance = asking(root);
    running *running = calloc(1, sizeof *running);
    pthread_barrier_init(&running->begun, NULL, 2);
    tb_task *task;
    CHECK(tb_select_start(balance, tell_slowly, running, &task, NULL) == TB_OK);
    pthread_barrier_wait(&running->begun);
    tb_cancel(task);
    CHECK(running->ended);
    pthread_barrier_destroy(&running->begun);
    free(running);
    tb_balance_free(balance);
}

static void gives_up(long nanoseconds) {
    tb_balance *balance = asking(root);
    told *told = new_told();
    CHECK(tb_select_start(balance, tell, told, &told->task, NULL) == TB_OK);
    nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
    tb_cancel(told->task);
    // Nothing of it may be used from here on.
    free_told(told);
    tb_balance_free(balance);
}

static void takes_nothing(void) {
    tb_selection *selection = (tb_selection *)8;
    tb_error *error = (tb_error *)8;
    CHECK(tb_select(NULL, &selection, &error) == TB_INVALID_ARGUMENT && !selection);
    tb_error_free(error);
    tb_balance *balance = tb_balance_new();
    CHECK(tb_select(balance, NULL, NULL) == TB_INVALID_ARGUMENT);
    CHECK(tb_select(balance, &selection, NULL) == TB_NO_ROOT && !selection);
    CHECK(tb_select_start(balance, NULL, NULL, NULL, NULL) == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_add_root(balance, "\xff", NULL) == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_add_root(balance, "HTTPS://Root.example/", NULL) == TB_OK);
    CHECK(tb_balance_add_root(balance, "Http://root.example", &error) == TB_BAD_ROOT);
    CHECK(strstr(tb_error_message(error), "not secure"));
    tb_error_free(error);
    CHECK(tb_balance_add_root(balance, "https://me:word@root.example", &error) == TB_BAD_ROOT);
    CHECK(!strstr(tb_error_message(error), "word@"));
    tb_error_free(error);
    CHECK(tb_balance_set_timeout(balance, 0) == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_set_family(balance, 5) == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_set_family(NULL, TB_FAMILY_IPV4) == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_set_verify(balance, TB_VERIFY_REQUIRE) == TB_OK);
    CHECK(tb_balance_set_transport(balance, -1) == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_allow(balance, "10.0.0.0/33") == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_allow(balance, "10.0.0.0/8") == TB_OK);
#ifndef EARLIER // header: it has none of these
    CHECK(tb_balance_require(balance, "region") == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_require(balance, "region=eu") == TB_OK);
    CHECK(tb_balance_prefer(balance, NULL) == TB_INVALID_ARGUMENT);
    CHECK(tb_balance_prefer(balance, "tier=gold") == TB_OK);
    CHECK(tb_balance_exclude(balance, "name=fra-b") == TB_OK);
#endif
    CHECK(tb_balance_set_ca_file(balance, NULL) == TB_OK);
    tb_balance_free(balance);
    CHECK(!tb_selection_turn(NULL) && !tb_selection_hop(NULL, 0) && !tb_selection_json(NULL));
    CHECK(!tb_selection_ice_json(NULL, 0, NULL, NULL) && !tb_error_message(NULL));
    tb_balance_free(NULL), tb_selection_free(NULL), tb_error_free(NULL), tb_string_free(NULL);
    tb_cancel(NULL);
    char *username, *credential;
    CHECK(tb_mint((const uint8_t *)"north-wind", 10, 1795778101, "tb", &username, &credential));
    CHECK(!strcmp(username, "1795778101:tb") && !strcmp(credential, "7Vp3O53nA5eDKBBRv3hr53fsI5k="));
    tb_string_free(username), tb_string_free(credential);
    CHECK(!tb_mint(NULL, 0, 0, NULL, &username, &credential));
    CHECK(!tb_mint((const uint8_t *)"", 0, 1795778101, NULL, &username, &credential));
}

static int __attribute__((unused)) threads_here(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void *select_often(void *unused) {
    (void)unused;
    for (int i = 0; i < times; i++) {
        switch (i % 5) {
        case 0: waits(); break;
        case 1: fails(); break;
        case 2: starts(); break;
        case 3: gives_up(i % 2 ? 0 : 100000L * (i % 30)); break;
        case 4: i % 2 ? cancels_itself() : takes_nothing(); break;
        }
        if (i % 20 == 0)
            waits_for_a_callback();
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 4);
    root = argv[1], closed = argv[2], times = atoi(argv[3]);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&threads[i], NULL, select_often, NULL));
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    while (themselves < 2 * (times / 10))
        sched_yield();
    // Those are on their last steps. The sanitizer of threads has a thread of its own.
#ifndef __SANITIZE_THREAD__
    while (threads_here() > 1)
        sched_yield();
#endif
    CHECK(verified);
    printf("%d and %d\n", times, times);
}
