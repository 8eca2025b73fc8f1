//! Whatever a TURN server says, a check of it ends, after a bounded number of datagrams to that server
//! alone, with one outcome; and what is no longer asked is not believed.

use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::turn::{CheckPlan, TurnCheck, TurnEvent};
use turn_balance::internals::wire::stun::TurnMessage;
use turn_balance::{TurnCredentials, TurnFault, TurnHealth};

use super::input::{Input, seed};
use crate::turn::{Behaviour, PASSWORD, ScriptedTurn, USER};

/// Longer than any check takes: eleven requests of five seconds.
const LONGEST: Duration = Duration::from_secs(56);

pub(crate) fn run(bytes: &[u8]) {
    let _ = TurnMessage::decode(bytes);
    let mut input = Input::new(bytes);
    let (server, client) = (input.addr(3478), input.addr(40000));
    let level = input.pick(&[TurnHealth::Relay, TurnHealth::Allocate, TurnHealth::Binding]);
    let credentials = (!input.one_in(8)).then(|| TurnCredentials::new(USER, PASSWORD));
    let plan = CheckPlan {
        level: level.unwrap_or(TurnHealth::None),
        credentials,
        patience: Duration::from_secs(5),
        reliable: input.one_in(2),
    };
    let start = Instant::now();
    let (mut now, mut sent, mut ended) = (start, 0, 0);
    let mut check = TurnCheck::new(server, plan, now, Rng::seed_from_u64(seed(bytes)));
    let mut scripted = ScriptedTurn::new(server, behaviour(&mut input));
    while let Some(next) = check.poll_timeout() {
        now = now.max(next);
        assert!(now - start <= LONGEST, "it ends");
        check.handle_timeout(now);
        while let Some(transmit) = check.poll_transmit(now) {
            assert_eq!(transmit.to, server);
            assert_eq!(TurnMessage::decode(&transmit.payload), None, "what is asked is no answer");
            sent += 1;
            if input.one_in(4) {
                scripted.behave(behaviour(&mut input));
            }
            for mut reply in scripted.handle(client, &transmit.payload) {
                now += Duration::from_millis(u64::from(input.byte()));
                mutate(&mut input, &mut reply);
                check.handle_datagram(now, server, &reply);
                let repeated = check.handle_datagram(now, server, &reply);
                assert!(!repeated, "an answer counts once");
            }
            match input.byte() {
                252 => check.abandon(now),
                253 | 254 => check.handle_fault(now, TurnFault::Closed),
                255 => drop(check.handle_datagram(now, server, input.bytes())),
                _ => {}
            }
        }
        while let Some(event) = check.poll_event() {
            assert_eq!(ended, 0, "the outcome is the last event");
            ended += usize::from(matches!(event, TurnEvent::Ended(_)));
        }
    }
    assert!(sent <= TurnCheck::MOST_DATAGRAMS, "{sent} datagrams");
    assert_eq!(check.poll_transmit(now), None);
}

fn behaviour(input: &mut Input<'_>) -> Behaviour {
    let code = 300 + u16::from(input.byte()) * 2;
    let relayed = input.addr(49213);
    let all = [
        Behaviour::Healthy,
        Behaviour::Open,
        Behaviour::Unauthorized,
        Behaviour::OtherRealms,
        Behaviour::NewRealm,
        Behaviour::StaleOnce,
        Behaviour::Stale,
        Behaviour::Refuses(code.min(699)),
        Behaviour::OnlyV6,
        Behaviour::Permits(code.min(699)),
        Behaviour::Silent,
        Behaviour::NoStun,
        Behaviour::WrongTransaction,
        Behaviour::Missigned,
        Behaviour::RelaysNothing,
        Behaviour::RelaysAt(relayed),
        Behaviour::SwallowsAllocate,
    ];
    input.pick(&all).unwrap_or(Behaviour::Healthy)
}

/// Now and then, a byte is another one, or what comes is shorter.
fn mutate(input: &mut Input<'_>, reply: &mut Vec<u8>) {
    match input.byte() {
        192..224 => {
            let at = input.below(reply.len());
            reply[at] = input.byte();
        }
        224..232 => reply.truncate(input.below(reply.len())),
        _ => {}
    }
}
