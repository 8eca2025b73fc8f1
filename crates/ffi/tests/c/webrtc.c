// Two WebRTC peers of GStreamer's that may use TURN alone. The library finds the TURN server below a root, and a secret
// makes the credentials; a message goes from one to the other, and is printed.

#include <gst/gst.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <turn_balance.h>

static GMainLoop *loop;

// The URI that webrtcbin takes: user and password are percent-encoded.
static gchar *turn_uri(const char *root, const char *secret) {
    tb_balance *balance = tb_balance_new();
    tb_selection *selection = NULL;
    tb_error *error = NULL;
    if (tb_balance_add_root(balance, root, &error) == TB_OK)
        tb_select(balance, &selection, &error);
    tb_balance_free(balance);
    if (error)
        g_error("%s", tb_error_message(error));
    char *username, *credential;
    uint64_t expiry = (uint64_t)time(NULL) + 600;
    g_assert(tb_mint((const uint8_t *)secret, strlen(secret), expiry, "tb", &username, &credential));
    gchar *user = g_uri_escape_string(username, NULL, FALSE);
    gchar *password = g_uri_escape_string(credential, NULL, FALSE);
    gchar *uri = g_strdup_printf("turn://%s:%s@%s?transport=udp", user, password,
                                 tb_selection_turn(selection));
    g_free(user), g_free(password);
    tb_string_free(username), tb_string_free(credential);
    tb_selection_free(selection);
    return uri;
}

static void on_candidate(GstElement *self, guint line, gchar *candidate, GstElement *other) {
    (void)self;
    if (!strstr(candidate, " typ relay "))
        g_error("not relayed: %s", candidate);
    g_signal_emit_by_name(other, "add-ice-candidate", line, candidate);
}

// A description of one peer, and what the other makes of it. The type is registered by webrtcbin.
static gpointer described(GstPromise *promise, const char *name) {
    gpointer description = NULL;
    GType type = g_type_from_name("GstWebRTCSessionDescription");
    gst_promise_wait(promise);
    gst_structure_get(gst_promise_get_reply(promise), name, type, &description, NULL);
    gst_promise_unref(promise);
    g_assert(description);
    return description;
}

static void agree(GstElement *from, GstElement *to, const char *what, const char *signal) {
    GstPromise *promise = gst_promise_new();
    g_signal_emit_by_name(from, signal, NULL, promise);
    gpointer description = described(promise, what);
    g_signal_emit_by_name(from, "set-local-description", description, NULL);
    promise = gst_promise_new();
    g_signal_emit_by_name(to, "set-remote-description", description, promise);
    gst_promise_wait(promise);
    gst_promise_unref(promise);
    g_boxed_free(g_type_from_name("GstWebRTCSessionDescription"), description);
}

static void on_open(GObject *channel, gpointer user) {
    (void)user;
    g_signal_emit_by_name(channel, "send-string", "through the relay");
}

static void on_message(GObject *channel, gchar *message, gpointer user) {
    (void)channel, (void)user;
    g_print("%s\n", message);
    g_main_loop_quit(loop);
}

static void on_channel(GstElement *self, GObject *channel, gpointer user) {
    (void)self, (void)user;
    g_signal_connect(channel, "on-message-string", G_CALLBACK(on_message), NULL);
}

static GstElement *peer(GstElement *pipeline, const gchar *uri) {
    GstElement *peer = gst_element_factory_make("webrtcbin", NULL);
    if (!peer)
        g_error("no webrtcbin");
    gst_bin_add(GST_BIN(pipeline), peer);
    g_object_set(peer, "turn-server", uri, NULL);
    gst_util_set_object_arg(G_OBJECT(peer), "ice-transport-policy", "relay");
    gst_util_set_object_arg(G_OBJECT(peer), "bundle-policy", "max-bundle");
    return peer;
}

static gboolean give_up(gpointer user) {
    (void)user;
    g_error("no message came");
    return G_SOURCE_REMOVE;
}

int main(int argc, char **argv) {
    gst_init(&argc, &argv);
    g_assert(argc == 3);
    loop = g_main_loop_new(NULL, FALSE);
    gchar *uri = turn_uri(argv[1], argv[2]);
    GstElement *pipeline = gst_pipeline_new(NULL);
    GstElement *caller = peer(pipeline, uri), *callee = peer(pipeline, uri);
    g_signal_connect(caller, "on-ice-candidate", G_CALLBACK(on_candidate), callee);
    g_signal_connect(callee, "on-ice-candidate", G_CALLBACK(on_candidate), caller);
    g_signal_connect(callee, "on-data-channel", G_CALLBACK(on_channel), NULL);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GObject *channel = NULL;
    g_signal_emit_by_name(caller, "create-data-channel", "test", NULL, &channel);
    g_signal_connect(channel, "on-open", G_CALLBACK(on_open), NULL);
    agree(caller, callee, "offer", "create-offer");
    agree(callee, caller, "answer", "create-answer");
    g_timeout_add_seconds(30, give_up, NULL);
    g_main_loop_run(loop);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    g_object_unref(channel);
    gst_object_unref(pipeline);
    g_free(uri);
}
