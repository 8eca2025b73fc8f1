# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tb_global_optspecs
    string join \n q/quiet v/verbose color= h/help V/version
end

function __fish_tb_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tb_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tb_using_subcommand
    set -l cmd (__fish_tb_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tb -n "__fish_tb_needs_command" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_needs_command" -s q -l quiet -d 'Only the answer and errors; twice: the exit code alone'
complete -c tb -n "__fish_tb_needs_command" -s v -l verbose -d 'Say more on stderr; twice: still more'
complete -c tb -n "__fish_tb_needs_command" -s h -l help -d 'Print help'
complete -c tb -n "__fish_tb_needs_command" -s V -l version -d 'Print version'
complete -c tb -n "__fish_tb_needs_command" -f -a "probe" -d 'Print the address of the best TURN server, or what a WebRTC client needs for it'
complete -c tb -n "__fish_tb_needs_command" -f -a "trace" -d 'Show every level of the cascade with all its candidates'
complete -c tb -n "__fish_tb_needs_command" -f -a "ping" -d 'Measure one balance server, or check one TURN server'
complete -c tb -n "__fish_tb_needs_command" -f -a "serve" -d 'Run a balance server'
complete -c tb -n "__fish_tb_needs_command" -f -a "status" -d 'Say what a server and its nodes are doing now'
complete -c tb -n "__fish_tb_needs_command" -f -a "healthcheck" -d 'Say whether a balance server answers, for containers'
complete -c tb -n "__fish_tb_needs_command" -f -a "completions" -d 'Print what completes `tb` in a shell'
complete -c tb -n "__fish_tb_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tb -n "__fish_tb_using_subcommand probe" -l timeout -d 'How long to try: seconds, `500ms` or `1m`' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l transport -d 'By which means to ask' -r -f -a "auto\t'UDP; HTTPS and TCP where no root answers by UDP within a second, if there is an https root'
udp\t'UDP alone'
https\t'HTTPS for lists, and TCP for TURN servers'"
complete -c tb -n "__fish_tb_using_subcommand probe" -l ca-file -d 'File of certificates (PEM) that those of https roots, and of TURN servers by TLS, may be signed with, in place of the system\'s' -r -F
complete -c tb -n "__fish_tb_using_subcommand probe" -l strategy -d 'How to choose' -r -f -a "best\t'Measure, and take the server with the shortest round trip'
first\t'Take the first answer on every level'"
complete -c tb -n "__fish_tb_using_subcommand probe" -l verify -d 'Whether the TURN servers themselves are asked at the end, with STUN Binding' -r -f -a "off\t'Take the leaves at their word'
on\t'Ask, but for `--strategy first`, and pass over those that are silent while one is not'
require\t'Ask, and name none that has not answered'"
complete -c tb -n "__fish_tb_using_subcommand probe" -l allow -d 'Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l require -d 'Labels that a TURN server must have, KEY=VALUE: one of each key; `name=` is what it is called' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l prefer -d 'Labels that it had better have: who has more of them is better, however far it is' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l exclude -d 'Labels that neither it nor a server above it may have, and names that nobody on the way may' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l family -d 'Use addresses of this IP version only' -r -f -a "4\t''
6\t''"
complete -c tb -n "__fish_tb_using_subcommand probe" -l format -d 'What to print' -r -f -a "text\t'The address alone'
json\t'One JSON document'
jsonl\t'One JSON document a line'
ice\t'An RTCConfiguration for WebRTC clients, in JSON'
gst\t'URIs for GStreamer\'s webrtcbin, one a line'
env\t'Variables for a shell'"
complete -c tb -n "__fish_tb_using_subcommand probe" -l count -d 'With --format ice or gst: how many runners-up to wait for and to print behind the best: 1 if left out; with --watch 7 at most' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l turn-user -d 'User of the TURN server; with --turn-secret-file the name behind the time, `tb` if left out' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l turn-password-file -d 'File that has the user\'s password; `-` is standard input' -r -F
complete -c tb -n "__fish_tb_using_subcommand probe" -l turn-secret-file -d 'File that has the secret shared with the TURN server, which credentials are minted from; `-` is standard input' -r -F
complete -c tb -n "__fish_tb_using_subcommand probe" -l ttl -d 'With --turn-secret-file: how long the credentials are good: 24h if left out' -r -f
complete -c tb -n "__fish_tb_using_subcommand probe" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_using_subcommand probe" -l allow-private -d 'The same for all private addresses: a root on the internet may list a network of one\'s own'
complete -c tb -n "__fish_tb_using_subcommand probe" -s 4 -d 'Short for `--family 4`'
complete -c tb -n "__fish_tb_using_subcommand probe" -s 6 -d 'Short for `--family 6`'
complete -c tb -n "__fish_tb_using_subcommand probe" -l json -d 'Short for `--format json`, whatever TB_FORMAT says'
complete -c tb -n "__fish_tb_using_subcommand probe" -l watch -d 'Stay: measure the choice every 5 s beside two that stand by, and print again whenever another is to be used, or named'
complete -c tb -n "__fish_tb_using_subcommand probe" -s q -l quiet -d 'Only the answer and errors; twice: the exit code alone'
complete -c tb -n "__fish_tb_using_subcommand probe" -s v -l verbose -d 'Say more on stderr; twice: still more'
complete -c tb -n "__fish_tb_using_subcommand probe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tb -n "__fish_tb_using_subcommand trace" -l timeout -d 'How long to try: seconds, `500ms` or `1m`' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -l transport -d 'By which means to ask' -r -f -a "auto\t'UDP; HTTPS and TCP where no root answers by UDP within a second, if there is an https root'
udp\t'UDP alone'
https\t'HTTPS for lists, and TCP for TURN servers'"
complete -c tb -n "__fish_tb_using_subcommand trace" -l ca-file -d 'File of certificates (PEM) that those of https roots, and of TURN servers by TLS, may be signed with, in place of the system\'s' -r -F
complete -c tb -n "__fish_tb_using_subcommand trace" -l strategy -d 'How to choose' -r -f -a "best\t'Measure, and take the server with the shortest round trip'
first\t'Take the first answer on every level'"
complete -c tb -n "__fish_tb_using_subcommand trace" -l verify -d 'Whether the TURN servers themselves are asked at the end, with STUN Binding' -r -f -a "off\t'Take the leaves at their word'
on\t'Ask, but for `--strategy first`, and pass over those that are silent while one is not'
require\t'Ask, and name none that has not answered'"
complete -c tb -n "__fish_tb_using_subcommand trace" -l allow -d 'Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -l require -d 'Labels that a TURN server must have, KEY=VALUE: one of each key; `name=` is what it is called' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -l prefer -d 'Labels that it had better have: who has more of them is better, however far it is' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -l exclude -d 'Labels that neither it nor a server above it may have, and names that nobody on the way may' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -l family -d 'Use addresses of this IP version only' -r -f -a "4\t''
6\t''"
complete -c tb -n "__fish_tb_using_subcommand trace" -l view -d 'Which lists to ask for' -r -f -a "flat\t'Flat lists, as `tb probe` asks for them'
subordinates\t'Every level of the cascade'"
complete -c tb -n "__fish_tb_using_subcommand trace" -s c -l count -d 'Go down this often and count' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -s i -l interval -d 'With --count: time from one start to the next' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -l admin -d 'With --all: the admin interface of the first server, which says why nodes are not online' -r -f
complete -c tb -n "__fish_tb_using_subcommand trace" -l token-file -d 'The file with the token that the admin interface wants to be shown' -r -F
complete -c tb -n "__fish_tb_using_subcommand trace" -l format -d 'What to print' -r -f -a "text\t'For people and awk'
json\t'One JSON document'
jsonl\t'One JSON document a level'
dot\t'A tree for Graphviz'
mermaid\t'A tree for Mermaid'"
complete -c tb -n "__fish_tb_using_subcommand trace" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_using_subcommand trace" -l allow-private -d 'The same for all private addresses: a root on the internet may list a network of one\'s own'
complete -c tb -n "__fish_tb_using_subcommand trace" -s 4 -d 'Short for `--family 4`'
complete -c tb -n "__fish_tb_using_subcommand trace" -s 6 -d 'Short for `--family 6`'
complete -c tb -n "__fish_tb_using_subcommand trace" -l all -d 'Ask every server of the cascade for its list, and say what is wrong with each'
complete -c tb -n "__fish_tb_using_subcommand trace" -l json -d 'Short for `--format json`, whatever TB_FORMAT says'
complete -c tb -n "__fish_tb_using_subcommand trace" -s q -l quiet -d 'Only the answer and errors; twice: the exit code alone'
complete -c tb -n "__fish_tb_using_subcommand trace" -s v -l verbose -d 'Say more on stderr; twice: still more'
complete -c tb -n "__fish_tb_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tb -n "__fish_tb_using_subcommand ping" -s c -l count -d 'Stop after this many requests' -r -f
complete -c tb -n "__fish_tb_using_subcommand ping" -s i -l interval -d 'Time from one request to the next: seconds, `500ms` or `1m`' -r -f
complete -c tb -n "__fish_tb_using_subcommand ping" -s W -l timeout -d 'After how long an answer is called missing, though it still counts: 1 s if left out; of a TURN server 5 s, and then it is given up' -r -f
complete -c tb -n "__fish_tb_using_subcommand ping" -s w -l deadline -d 'Stop after this time, whatever has come' -r -f
complete -c tb -n "__fish_tb_using_subcommand ping" -s I -l source -d 'Send from this address, or by way of this interface' -r -f
complete -c tb -n "__fish_tb_using_subcommand ping" -l turn-user -d 'User of the TURN server; with --turn-secret-file the name behind the time, `tb` if left out' -r -f
complete -c tb -n "__fish_tb_using_subcommand ping" -l turn-password-file -d 'File that has the user\'s password; `-` is standard input' -r -F
complete -c tb -n "__fish_tb_using_subcommand ping" -l turn-secret-file -d 'File that has the secret shared with the TURN server, which credentials are minted from; `-` is standard input' -r -F
complete -c tb -n "__fish_tb_using_subcommand ping" -l turn-ca-file -d 'With turns: or stuns:: file of certificates (PEM) that the server\'s may be signed with, in place of the system\'s' -r -F
complete -c tb -n "__fish_tb_using_subcommand ping" -l family -d 'Use addresses of this IP version only' -r -f -a "4\t''
6\t''"
complete -c tb -n "__fish_tb_using_subcommand ping" -l format -d 'What to print' -r -f -a "text\t'For people, awk and shell scripts'
json\t'One JSON document'
jsonl\t'One JSON document a line'"
complete -c tb -n "__fish_tb_using_subcommand ping" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_using_subcommand ping" -s D -l timestamps -d 'Begin each line with the time of day, in seconds since 1970'
complete -c tb -n "__fish_tb_using_subcommand ping" -s 4 -d 'Short for `--family 4`'
complete -c tb -n "__fish_tb_using_subcommand ping" -s 6 -d 'Short for `--family 6`'
complete -c tb -n "__fish_tb_using_subcommand ping" -l json -d 'Short for `--format json`, whatever TB_FORMAT says'
complete -c tb -n "__fish_tb_using_subcommand ping" -s q -l quiet -d 'Only the answer and errors; twice: the exit code alone'
complete -c tb -n "__fish_tb_using_subcommand ping" -s v -l verbose -d 'Say more on stderr; twice: still more'
complete -c tb -n "__fish_tb_using_subcommand ping" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tb -n "__fish_tb_using_subcommand serve" -s c -l config -d 'The configuration [default: /etc/turn-balance/balance.toml, where there is one]' -r -F
complete -c tb -n "__fish_tb_using_subcommand serve" -l bind -d 'Listen here instead of at net.bind; may be repeated' -r
complete -c tb -n "__fish_tb_using_subcommand serve" -l name -d 'What traces show instead of net.name' -r
complete -c tb -n "__fish_tb_using_subcommand serve" -l advertise -d 'Where superiors are to find it instead of at cluster.advertise' -r
complete -c tb -n "__fish_tb_using_subcommand serve" -l turn-bind -d 'The TURN server beside it instead of turn.bind; may be repeated' -r
complete -c tb -n "__fish_tb_using_subcommand serve" -l log-level -d 'Log this instead of log.level' -r -f -a "error\t''
warn\t''
info\t''
debug\t''
trace\t''"
complete -c tb -n "__fish_tb_using_subcommand serve" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_using_subcommand serve" -l check -d 'Say whether the configuration is fine, and leave'
complete -c tb -n "__fish_tb_using_subcommand serve" -l print-config -d 'Print the configuration with all defaults, and leave'
complete -c tb -n "__fish_tb_using_subcommand serve" -s v -l verbose -d 'Log one level more; twice: two more'
complete -c tb -n "__fish_tb_using_subcommand serve" -s h -l help -d 'Print help'
complete -c tb -n "__fish_tb_using_subcommand status" -l token-file -d 'The file with the token that the server wants to be shown' -r -F
complete -c tb -n "__fish_tb_using_subcommand status" -l timeout -d 'Give up after this time: seconds, `500ms` or `1m`' -r
complete -c tb -n "__fish_tb_using_subcommand status" -l format -d 'What to print' -r -f -a "text\t'For people, awk and shell scripts'
json\t'One JSON document'
jsonl\t'One JSON document a line'"
complete -c tb -n "__fish_tb_using_subcommand status" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_using_subcommand status" -l json -d 'Short for `--format json`, whatever TB_FORMAT says'
complete -c tb -n "__fish_tb_using_subcommand status" -s q -l quiet -d 'Only the answer and errors; twice: the exit code alone'
complete -c tb -n "__fish_tb_using_subcommand status" -s v -l verbose -d 'Say more on stderr; twice: still more'
complete -c tb -n "__fish_tb_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tb -n "__fish_tb_using_subcommand healthcheck" -l timeout -d 'Give up after this time: seconds, `500ms` or `1m`' -r -f
complete -c tb -n "__fish_tb_using_subcommand healthcheck" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_using_subcommand healthcheck" -s q -l quiet -d 'Only the answer and errors; twice: the exit code alone'
complete -c tb -n "__fish_tb_using_subcommand healthcheck" -s v -l verbose -d 'Say more on stderr; twice: still more'
complete -c tb -n "__fish_tb_using_subcommand healthcheck" -s h -l help -d 'Print help'
complete -c tb -n "__fish_tb_using_subcommand completions" -l color -d 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here' -r -f -a "auto\t''
always\t''
never\t''"
complete -c tb -n "__fish_tb_using_subcommand completions" -s h -l help -d 'Print help'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "probe" -d 'Print the address of the best TURN server, or what a WebRTC client needs for it'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "trace" -d 'Show every level of the cascade with all its candidates'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "ping" -d 'Measure one balance server, or check one TURN server'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "serve" -d 'Run a balance server'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "status" -d 'Say what a server and its nodes are doing now'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "healthcheck" -d 'Say whether a balance server answers, for containers'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "completions" -d 'Print what completes `tb` in a shell'
complete -c tb -n "__fish_tb_using_subcommand help; and not __fish_seen_subcommand_from probe trace ping serve status healthcheck completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tb -n "__fish_tb_using_subcommand probe" -f -a "(__fish_print_hostnames)"
complete -c tb -n "__fish_tb_using_subcommand trace" -f -a "(__fish_print_hostnames)"
complete -c tb -n "__fish_tb_using_subcommand ping" -f -a "(__fish_print_hostnames)"
complete -c tb -n "__fish_tb_using_subcommand healthcheck" -f -a "(__fish_print_hostnames)"
