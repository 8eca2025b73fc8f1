// Prints the best TURN server below the roots that it is given, and what a WebRTC client needs of it.
//
//     cc select.c $(pkg-config --cflags --libs turn_balance) -o select && ./select root.example

#include <stdio.h>
#include <turn_balance.h>

static int fail(tb_error *error) {
    fprintf(stderr, "select: %s\n", tb_error_message(error));
    tb_error_free(error);
    return 1;
}

static void print(const tb_selection *selection) {
    const char *name = tb_selection_name(selection);
    printf("%s %s %.2f ms\n", tb_selection_turn(selection), name ? name : "-",
           tb_selection_rtt_us(selection) / 1e3);
    for (size_t i = 0; i < tb_selection_hop_count(selection); i++)
        printf("  by %s\n", tb_selection_hop(selection, i)->addr);
    for (size_t i = 0; i < tb_selection_runner_up_count(selection); i++) {
        const tb_runner_up *other = tb_selection_runner_up(selection, i);
        printf("  before %s, which is %s\n", other->turn, other->why);
    }
    char *ice = tb_selection_ice_json(selection, 1, NULL, NULL);
    printf("%s\n", ice);
    tb_string_free(ice);
}

int main(int argc, char **argv) {
    tb_error *error = NULL;
    tb_selection *selection = NULL;
    tb_balance *balance = tb_balance_new();
    tb_balance_set_urls(balance, true);
    for (int i = 1; i < argc && !error; i++)
        tb_balance_add_root(balance, argv[i], &error);
    if (!error)
        tb_select(balance, &selection, &error);
    tb_balance_free(balance);
    if (error)
        return fail(error);
    print(selection);
    tb_selection_free(selection);
    return 0;
}
