
use builtin;
use str;

set edit:completion:arg-completer[tb] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'tb'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'tb'= {
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand -q 'Only the answer and errors; twice: the exit code alone'
            cand --quiet 'Only the answer and errors; twice: the exit code alone'
            cand -v 'Say more on stderr; twice: still more'
            cand --verbose 'Say more on stderr; twice: still more'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand probe 'Print the address of the best TURN server, or what a WebRTC client needs for it'
            cand trace 'Show every level of the cascade with all its candidates'
            cand ping 'Measure one balance server, or check one TURN server'
            cand serve 'Run a balance server'
            cand status 'Say what a server and its nodes are doing now'
            cand healthcheck 'Say whether a balance server answers, for containers'
            cand completions 'Print what completes `tb` in a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tb;probe'= {
            cand --timeout 'How long to try: seconds, `500ms` or `1m`'
            cand --transport 'By which means to ask'
            cand --ca-file 'File of certificates (PEM) that those of https roots, and of TURN servers by TLS, may be signed with, in place of the system''s'
            cand --strategy 'How to choose'
            cand --verify 'Whether the TURN servers themselves are asked at the end, with STUN Binding'
            cand --allow 'Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8'
            cand --require 'Labels that a TURN server must have, KEY=VALUE: one of each key; `name=` is what it is called'
            cand --prefer 'Labels that it had better have: who has more of them is better, however far it is'
            cand --exclude 'Labels that neither it nor a server above it may have, and names that nobody on the way may'
            cand --family 'Use addresses of this IP version only'
            cand --format 'What to print'
            cand --count 'With --format ice or gst: how many runners-up to wait for and to print behind the best: 1 if left out; with --watch 7 at most'
            cand --turn-user 'User of the TURN server; with --turn-secret-file the name behind the time, `tb` if left out'
            cand --turn-password-file 'File that has the user''s password; `-` is standard input'
            cand --turn-secret-file 'File that has the secret shared with the TURN server, which credentials are minted from; `-` is standard input'
            cand --ttl 'With --turn-secret-file: how long the credentials are good: 24h if left out'
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand --allow-private 'The same for all private addresses: a root on the internet may list a network of one''s own'
            cand -4 'Short for `--family 4`'
            cand -6 'Short for `--family 6`'
            cand --json 'Short for `--format json`, whatever TB_FORMAT says'
            cand --watch 'Stay: measure the choice every 5 s beside two that stand by, and print again whenever another is to be used, or named'
            cand -q 'Only the answer and errors; twice: the exit code alone'
            cand --quiet 'Only the answer and errors; twice: the exit code alone'
            cand -v 'Say more on stderr; twice: still more'
            cand --verbose 'Say more on stderr; twice: still more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tb;trace'= {
            cand --timeout 'How long to try: seconds, `500ms` or `1m`'
            cand --transport 'By which means to ask'
            cand --ca-file 'File of certificates (PEM) that those of https roots, and of TURN servers by TLS, may be signed with, in place of the system''s'
            cand --strategy 'How to choose'
            cand --verify 'Whether the TURN servers themselves are asked at the end, with STUN Binding'
            cand --allow 'Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8'
            cand --require 'Labels that a TURN server must have, KEY=VALUE: one of each key; `name=` is what it is called'
            cand --prefer 'Labels that it had better have: who has more of them is better, however far it is'
            cand --exclude 'Labels that neither it nor a server above it may have, and names that nobody on the way may'
            cand --family 'Use addresses of this IP version only'
            cand --view 'Which lists to ask for'
            cand -c 'Go down this often and count'
            cand --count 'Go down this often and count'
            cand -i 'With --count: time from one start to the next'
            cand --interval 'With --count: time from one start to the next'
            cand --admin 'With --all: the admin interface of the first server, which says why nodes are not online'
            cand --token-file 'The file with the token that the admin interface wants to be shown'
            cand --format 'What to print'
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand --allow-private 'The same for all private addresses: a root on the internet may list a network of one''s own'
            cand -4 'Short for `--family 4`'
            cand -6 'Short for `--family 6`'
            cand --all 'Ask every server of the cascade for its list, and say what is wrong with each'
            cand --json 'Short for `--format json`, whatever TB_FORMAT says'
            cand -q 'Only the answer and errors; twice: the exit code alone'
            cand --quiet 'Only the answer and errors; twice: the exit code alone'
            cand -v 'Say more on stderr; twice: still more'
            cand --verbose 'Say more on stderr; twice: still more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tb;ping'= {
            cand -c 'Stop after this many requests'
            cand --count 'Stop after this many requests'
            cand -i 'Time from one request to the next: seconds, `500ms` or `1m`'
            cand --interval 'Time from one request to the next: seconds, `500ms` or `1m`'
            cand -W 'After how long an answer is called missing, though it still counts: 1 s if left out; of a TURN server 5 s, and then it is given up'
            cand --timeout 'After how long an answer is called missing, though it still counts: 1 s if left out; of a TURN server 5 s, and then it is given up'
            cand -w 'Stop after this time, whatever has come'
            cand --deadline 'Stop after this time, whatever has come'
            cand -I 'Send from this address, or by way of this interface'
            cand --source 'Send from this address, or by way of this interface'
            cand --turn-user 'User of the TURN server; with --turn-secret-file the name behind the time, `tb` if left out'
            cand --turn-password-file 'File that has the user''s password; `-` is standard input'
            cand --turn-secret-file 'File that has the secret shared with the TURN server, which credentials are minted from; `-` is standard input'
            cand --turn-ca-file 'With turns: or stuns:: file of certificates (PEM) that the server''s may be signed with, in place of the system''s'
            cand --family 'Use addresses of this IP version only'
            cand --format 'What to print'
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand -D 'Begin each line with the time of day, in seconds since 1970'
            cand --timestamps 'Begin each line with the time of day, in seconds since 1970'
            cand -4 'Short for `--family 4`'
            cand -6 'Short for `--family 6`'
            cand --json 'Short for `--format json`, whatever TB_FORMAT says'
            cand -q 'Only the answer and errors; twice: the exit code alone'
            cand --quiet 'Only the answer and errors; twice: the exit code alone'
            cand -v 'Say more on stderr; twice: still more'
            cand --verbose 'Say more on stderr; twice: still more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tb;serve'= {
            cand -c 'The configuration [default: /etc/turn-balance/balance.toml, where there is one]'
            cand --config 'The configuration [default: /etc/turn-balance/balance.toml, where there is one]'
            cand --bind 'Listen here instead of at net.bind; may be repeated'
            cand --name 'What traces show instead of net.name'
            cand --advertise 'Where superiors are to find it instead of at cluster.advertise'
            cand --turn-bind 'The TURN server beside it instead of turn.bind; may be repeated'
            cand --log-level 'Log this instead of log.level'
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand --check 'Say whether the configuration is fine, and leave'
            cand --print-config 'Print the configuration with all defaults, and leave'
            cand -v 'Log one level more; twice: two more'
            cand --verbose 'Log one level more; twice: two more'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tb;status'= {
            cand --token-file 'The file with the token that the server wants to be shown'
            cand --timeout 'Give up after this time: seconds, `500ms` or `1m`'
            cand --format 'What to print'
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand --json 'Short for `--format json`, whatever TB_FORMAT says'
            cand -q 'Only the answer and errors; twice: the exit code alone'
            cand --quiet 'Only the answer and errors; twice: the exit code alone'
            cand -v 'Say more on stderr; twice: still more'
            cand --verbose 'Say more on stderr; twice: still more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tb;healthcheck'= {
            cand --timeout 'Give up after this time: seconds, `500ms` or `1m`'
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand -q 'Only the answer and errors; twice: the exit code alone'
            cand --quiet 'Only the answer and errors; twice: the exit code alone'
            cand -v 'Say more on stderr; twice: still more'
            cand --verbose 'Say more on stderr; twice: still more'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tb;completions'= {
            cand --color 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tb;help'= {
            cand probe 'Print the address of the best TURN server, or what a WebRTC client needs for it'
            cand trace 'Show every level of the cascade with all its candidates'
            cand ping 'Measure one balance server, or check one TURN server'
            cand serve 'Run a balance server'
            cand status 'Say what a server and its nodes are doing now'
            cand healthcheck 'Say whether a balance server answers, for containers'
            cand completions 'Print what completes `tb` in a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tb;help;probe'= {
        }
        &'tb;help;trace'= {
        }
        &'tb;help;ping'= {
        }
        &'tb;help;serve'= {
        }
        &'tb;help;status'= {
        }
        &'tb;help;healthcheck'= {
        }
        &'tb;help;completions'= {
        }
        &'tb;help;help'= {
        }
    ]
    $completions[$command]
}
