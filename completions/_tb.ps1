
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'tb' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'tb'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'tb' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Print the address of the best TURN server, or what a WebRTC client needs for it')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Show every level of the cascade with all its candidates')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Measure one balance server, or check one TURN server')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run a balance server')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Say what a server and its nodes are doing now')
            [CompletionResult]::new('healthcheck', 'healthcheck', [CompletionResultType]::ParameterValue, 'Say whether a balance server answers, for containers')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what completes `tb` in a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'tb;probe' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to try: seconds, `500ms` or `1m`')
            [CompletionResult]::new('--transport', '--transport', [CompletionResultType]::ParameterName, 'By which means to ask')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'File of certificates (PEM) that those of https roots, and of TURN servers by TLS, may be signed with, in place of the system''s')
            [CompletionResult]::new('--strategy', '--strategy', [CompletionResultType]::ParameterName, 'How to choose')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Whether the TURN servers themselves are asked at the end, with STUN Binding')
            [CompletionResult]::new('--allow', '--allow', [CompletionResultType]::ParameterName, 'Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Labels that a TURN server must have, KEY=VALUE: one of each key; `name=` is what it is called')
            [CompletionResult]::new('--prefer', '--prefer', [CompletionResultType]::ParameterName, 'Labels that it had better have: who has more of them is better, however far it is')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Labels that neither it nor a server above it may have, and names that nobody on the way may')
            [CompletionResult]::new('--family', '--family', [CompletionResultType]::ParameterName, 'Use addresses of this IP version only')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'With --format ice or gst: how many runners-up to wait for and to print behind the best: 1 if left out; with --watch 7 at most')
            [CompletionResult]::new('--turn-user', '--turn-user', [CompletionResultType]::ParameterName, 'User of the TURN server; with --turn-secret-file the name behind the time, `tb` if left out')
            [CompletionResult]::new('--turn-password-file', '--turn-password-file', [CompletionResultType]::ParameterName, 'File that has the user''s password; `-` is standard input')
            [CompletionResult]::new('--turn-secret-file', '--turn-secret-file', [CompletionResultType]::ParameterName, 'File that has the secret shared with the TURN server, which credentials are minted from; `-` is standard input')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'With --turn-secret-file: how long the credentials are good: 24h if left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('--allow-private', '--allow-private', [CompletionResultType]::ParameterName, 'The same for all private addresses: a root on the internet may list a network of one''s own')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Short for `--family 4`')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Short for `--family 6`')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--format json`, whatever TB_FORMAT says')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Stay: measure the choice every 5 s beside two that stand by, and print again whenever another is to be used, or named')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tb;trace' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to try: seconds, `500ms` or `1m`')
            [CompletionResult]::new('--transport', '--transport', [CompletionResultType]::ParameterName, 'By which means to ask')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'File of certificates (PEM) that those of https roots, and of TURN servers by TLS, may be signed with, in place of the system''s')
            [CompletionResult]::new('--strategy', '--strategy', [CompletionResultType]::ParameterName, 'How to choose')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Whether the TURN servers themselves are asked at the end, with STUN Binding')
            [CompletionResult]::new('--allow', '--allow', [CompletionResultType]::ParameterName, 'Ask addresses in these prefixes too, wherever they are listed, such as 10.0.0.0/8')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Labels that a TURN server must have, KEY=VALUE: one of each key; `name=` is what it is called')
            [CompletionResult]::new('--prefer', '--prefer', [CompletionResultType]::ParameterName, 'Labels that it had better have: who has more of them is better, however far it is')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Labels that neither it nor a server above it may have, and names that nobody on the way may')
            [CompletionResult]::new('--family', '--family', [CompletionResultType]::ParameterName, 'Use addresses of this IP version only')
            [CompletionResult]::new('--view', '--view', [CompletionResultType]::ParameterName, 'Which lists to ask for')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Go down this often and count')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Go down this often and count')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'With --count: time from one start to the next')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'With --count: time from one start to the next')
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'With --all: the admin interface of the first server, which says why nodes are not online')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'The file with the token that the admin interface wants to be shown')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('--allow-private', '--allow-private', [CompletionResultType]::ParameterName, 'The same for all private addresses: a root on the internet may list a network of one''s own')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Short for `--family 4`')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Short for `--family 6`')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Ask every server of the cascade for its list, and say what is wrong with each')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--format json`, whatever TB_FORMAT says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tb;ping' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Stop after this many requests')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Stop after this many requests')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Time from one request to the next: seconds, `500ms` or `1m`')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'Time from one request to the next: seconds, `500ms` or `1m`')
            [CompletionResult]::new('-W', '-W ', [CompletionResultType]::ParameterName, 'After how long an answer is called missing, though it still counts: 1 s if left out; of a TURN server 5 s, and then it is given up')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'After how long an answer is called missing, though it still counts: 1 s if left out; of a TURN server 5 s, and then it is given up')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Stop after this time, whatever has come')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Stop after this time, whatever has come')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'Send from this address, or by way of this interface')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Send from this address, or by way of this interface')
            [CompletionResult]::new('--turn-user', '--turn-user', [CompletionResultType]::ParameterName, 'User of the TURN server; with --turn-secret-file the name behind the time, `tb` if left out')
            [CompletionResult]::new('--turn-password-file', '--turn-password-file', [CompletionResultType]::ParameterName, 'File that has the user''s password; `-` is standard input')
            [CompletionResult]::new('--turn-secret-file', '--turn-secret-file', [CompletionResultType]::ParameterName, 'File that has the secret shared with the TURN server, which credentials are minted from; `-` is standard input')
            [CompletionResult]::new('--turn-ca-file', '--turn-ca-file', [CompletionResultType]::ParameterName, 'With turns: or stuns:: file of certificates (PEM) that the server''s may be signed with, in place of the system''s')
            [CompletionResult]::new('--family', '--family', [CompletionResultType]::ParameterName, 'Use addresses of this IP version only')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'Begin each line with the time of day, in seconds since 1970')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Begin each line with the time of day, in seconds since 1970')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Short for `--family 4`')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Short for `--family 6`')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--format json`, whatever TB_FORMAT says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tb;serve' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The configuration [default: /etc/turn-balance/balance.toml, where there is one]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration [default: /etc/turn-balance/balance.toml, where there is one]')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'Listen here instead of at net.bind; may be repeated')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'What traces show instead of net.name')
            [CompletionResult]::new('--advertise', '--advertise', [CompletionResultType]::ParameterName, 'Where superiors are to find it instead of at cluster.advertise')
            [CompletionResult]::new('--turn-bind', '--turn-bind', [CompletionResultType]::ParameterName, 'The TURN server beside it instead of turn.bind; may be repeated')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Log this instead of log.level')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Say whether the configuration is fine, and leave')
            [CompletionResult]::new('--print-config', '--print-config', [CompletionResultType]::ParameterName, 'Print the configuration with all defaults, and leave')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log one level more; twice: two more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log one level more; twice: two more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tb;status' {
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'The file with the token that the server wants to be shown')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up after this time: seconds, `500ms` or `1m`')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--format json`, whatever TB_FORMAT says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tb;healthcheck' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up after this time: seconds, `500ms` or `1m`')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only the answer and errors; twice: the exit code alone')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more on stderr; twice: still more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tb;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour: never with NO_COLOR or TERM=dumb, unless asked for here')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tb;help' {
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Print the address of the best TURN server, or what a WebRTC client needs for it')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Show every level of the cascade with all its candidates')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Measure one balance server, or check one TURN server')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run a balance server')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Say what a server and its nodes are doing now')
            [CompletionResult]::new('healthcheck', 'healthcheck', [CompletionResultType]::ParameterValue, 'Say whether a balance server answers, for containers')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what completes `tb` in a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'tb;help;probe' {
            break
        }
        'tb;help;trace' {
            break
        }
        'tb;help;ping' {
            break
        }
        'tb;help;serve' {
            break
        }
        'tb;help;status' {
            break
        }
        'tb;help;healthcheck' {
            break
        }
        'tb;help;completions' {
            break
        }
        'tb;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
