// Selects while something else goes on, in C++, and gives up where the user has closed the window.
//
//     c++ start.cpp $(pkg-config --cflags --libs turn_balance) -o start && ./start root.example

#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <turn_balance.h>

using Balance = std::unique_ptr<tb_balance, decltype(&tb_balance_free)>;
using Selection = std::unique_ptr<tb_selection, decltype(&tb_selection_free)>;
using Failure = std::unique_ptr<tb_error, decltype(&tb_error_free)>;
using Task = std::unique_ptr<tb_task, decltype(&tb_cancel)>;

// Called on a thread of the library's.
extern "C" void told(void *user, tb_selection *selection, tb_error *error) {
    Selection found(selection, tb_selection_free);
    Failure failure(error, tb_error_free);
    auto &promise = *static_cast<std::promise<std::string> *>(user);
    promise.set_value(found ? tb_selection_turn(found.get())
                            : std::string("nobody: ") + tb_error_message(failure.get()));
}

int main(int argc, char **argv) {
    Balance balance(tb_balance_new(), tb_balance_free);
    if (argc < 2 || tb_balance_add_root(balance.get(), argv[1], nullptr) != TB_OK) {
        std::cerr << "start: which root?\n";
        return 2;
    }
    std::promise<std::string> promise;
    tb_task *started = nullptr;
    if (tb_select_start(balance.get(), told, &promise, &started, nullptr) != TB_OK)
        return 1;
    // Whoever leaves this block early cancels, and nothing is called any more.
    Task task(started, tb_cancel);
    std::cout << promise.get_future().get() << "\n";
}
