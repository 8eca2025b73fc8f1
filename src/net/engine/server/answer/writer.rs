//! How an answer is written: a copy of a list behind the request's id and nonce.

use std::net::SocketAddr;

use super::handled::Handled;
use super::list::List;
use super::snapshot::{Snapshot, Views};
use crate::net::engine::server::drop::DropReason;
use crate::net::engine::server::limit::Asker;
use crate::net::wire::auth::{Key, Purpose, TRAILER};
use crate::net::wire::{BARE_FRAME, FRAME, Id, Probe, View, frame, put_retry};
use crate::types::Family;

/// The bytes of an answer.
#[derive(Debug, Clone, Default)]
pub struct Answer<'a> {
    /// What is written for its asker.
    pub head: Vec<u8>,
    /// What follows it, as everybody gets it: a list that was encoded before.
    pub tail: &'a [u8],
}

impl Answer<'_> {
    /// All of it.
    pub fn to_vec(&self) -> Vec<u8> {
        [&self.head, self.tail].concat()
    }
}

/// What the answer to a check depends on. It is put together only where there is one: what goes to
/// a function out of line lies in memory from its beginning, and of an [`Asker`] that would be on
/// the way of every probe.
#[derive(Clone, Copy)]
struct Question<'a> {
    from: &'a SocketAddr,
    id: Id,
    probe: Probe<'a>,
}

/// How much an answer may hold.
#[derive(Clone, Copy)]
struct Room {
    bytes: usize,
    nodes: usize,
}

/// Writes the answers of one worker.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// Where the next sample begins: it counts the nodes of samples, so that those of a long list
    /// rotate.
    cursor: usize,
    /// What stands before a list, while it is put together.
    extra: Vec<u8>,
}

impl Writer {
    /// Answers a probe, within so many bytes.
    #[inline(always)]
    pub(super) fn write<'a>(
        &mut self,
        room: usize,
        snapshot: &'a Snapshot,
        asker: Asker,
        probe: Probe,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let Asker { from, id, .. } = asker;
        // Only a check that is rightly signed: a server signs for nobody else.
        if let Some(key) = snapshot.trust().checker(asker.datagram) {
            return self.write_signed(room, snapshot, Question { from, id, probe }, key, out);
        }
        self.write_plain(room, snapshot, from, id, probe, out)
    }

    /// Answers one that reads no nonce, with `most` nodes at most.
    pub(super) fn write_bare<'a>(
        &mut self,
        room: usize,
        most: usize,
        list: &'a List,
        asker: Asker,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let room = room.checked_sub(BARE_FRAME).ok_or(DropReason::NoRoom)?;
        let family = Family::of(*asker.from);
        let whole = list.whole(family, false, room);
        if let Some(whole) = whole.filter(|_| most > 1) {
            frame(&mut out.head, asker.id, 0, whole.len());
            out.tail = whole;
            return Ok(Handled::Answer);
        }
        self.write_sample(
            Room { bytes: room, nodes: most },
            list,
            family,
            asker.id,
            0,
            &mut out.head,
        )
    }

    /// Answers a probe that asks for more than a list, with as much of that as there is room for.
    pub(super) fn write_more<'a>(
        &mut self,
        room: usize,
        snapshot: &'a Snapshot,
        asker: Asker,
        probe: Probe,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let Asker { from, id, datagram, .. } = asker;
        let key = snapshot.trust().checker(datagram);
        let beside = FRAME + key.map_or(0, |_| TRAILER);
        let room = room.checked_sub(beside).ok_or(DropReason::NoRoom)?;
        let family = Family::of(*from);
        let whole_of = |lists: &'a Views, room| {
            let whole = lists.of(probe.view).whole(family, probe.names, room);
            whole.or_else(|| lists.of(View::Subordinates).whole(family, probe.names, room))
        };
        // There must be room for something of a list.
        let fit = |lists: &'a Views, room| {
            let part = || lists.of(probe.view).sample(family, self.cursor, room, usize::MAX);
            whole_of(lists, room).is_some() || part().is_some()
        };
        let labelled = snapshot.labelled().filter(|_| probe.extras.labels);
        let lists = labelled.filter(|lists| fit(lists, room)).unwrap_or(snapshot.plain());
        let (list, whole) = (lists.of(probe.view), |room| whole_of(lists, room));
        let mut urls = match probe.extras.urls {
            true => snapshot.urls(probe.urls_of, family),
            false => Vec::new(),
        };
        let fits = |left| fit(lists, left);
        while !urls.is_empty() && !room.checked_sub(len_of(&urls)).is_some_and(fits) {
            urls.pop();
        }
        self.extra.clear();
        urls.iter().for_each(|url| self.extra.extend_from_slice(url));
        if probe.extras.down
            && let Some(whole) = whole(room - self.extra.len())
        {
            snapshot.extra().down().put(&mut self.extra, |len| whole.len() + len <= room);
        }
        let (room, len) = (room - self.extra.len(), self.extra.len());
        if let Some(whole) = whole(room) {
            frame(&mut out.head, id, probe.nonce, len + whole.len());
            out.head.extend_from_slice(&self.extra);
            out.tail = whole;
        } else {
            let sample = list.sample(family, self.cursor, room, usize::MAX);
            let sample = sample.ok_or(DropReason::NoRoom)?;
            self.cursor = self.cursor.wrapping_add(sample.count());
            frame(&mut out.head, id, probe.nonce, len + sample.len());
            out.head.extend_from_slice(&self.extra);
            sample.write(&mut out.head);
        }
        if let Some(key) = key {
            out.head.extend_from_slice(std::mem::take(&mut out.tail));
            key.sign(Purpose::Reply, &mut out.head, 0);
        }
        Ok(Handled::Answer)
    }

    #[inline(never)]
    fn write_signed<'a>(
        &mut self,
        room: usize,
        snapshot: &'a Snapshot,
        Question { from, id, probe }: Question,
        key: &Key,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let room = room.checked_sub(TRAILER).ok_or(DropReason::NoRoom)?;
        let handled = self.write_plain(room, snapshot, from, id, probe, out)?;
        out.head.extend_from_slice(std::mem::take(&mut out.tail));
        key.sign(Purpose::Reply, &mut out.head, 0);
        Ok(handled)
    }

    #[inline(always)]
    fn write_plain<'a>(
        &mut self,
        room: usize,
        snapshot: &'a Snapshot,
        from: &SocketAddr,
        id: Id,
        probe: Probe,
        out: &mut Answer<'a>,
    ) -> Result<Handled, DropReason> {
        let room = room.checked_sub(FRAME).ok_or(DropReason::NoRoom)?;
        let list = snapshot.list(probe.view);
        let direct = snapshot.list(View::Subordinates);
        let family = Family::of(*from);
        let whole = list.whole(family, probe.names, room);
        // A part of a list is worth less than the whole of what it is made of.
        if let Some(whole) = whole.or_else(|| direct.whole(family, probe.names, room)) {
            frame(&mut out.head, id, probe.nonce, whole.len());
            out.tail = whole;
            return Ok(Handled::Answer);
        }
        let room = Room { bytes: room, nodes: usize::MAX };
        self.write_sample(room, list, family, id, probe.nonce, &mut out.head)
    }

    #[inline(never)]
    fn write_sample(
        &mut self,
        room: Room,
        list: &List,
        family: Family,
        id: Id,
        nonce: u64,
        out: &mut Vec<u8>,
    ) -> Result<Handled, DropReason> {
        let sample =
            list.sample(family, self.cursor, room.bytes, room.nodes).ok_or(DropReason::NoRoom)?;
        self.cursor = self.cursor.wrapping_add(sample.count());
        frame(out, id, nonce, sample.len());
        sample.write(out);
        Ok(Handled::Answer)
    }
}

fn len_of(urls: &[Vec<u8>]) -> usize {
    urls.iter().map(Vec::len).sum()
}

/// Asks to come back with a cookie, if that takes no more than the `len` bytes of the request.
pub(super) fn write_retry(
    len: usize,
    id: Id,
    nonce: u64,
    cookie: &[u8],
    out: &mut Vec<u8>,
) -> Result<Handled, DropReason> {
    frame(out, id, nonce, 2 + cookie.len() + 2);
    put_retry(out, cookie);
    if is_longer(out.len(), len) {
        out.clear();
        return Err(DropReason::Limited);
    }
    Ok(Handled::Retry)
}

fn is_longer(reply: usize, request: usize) -> bool {
    planted!(RetryLarger => false);
    reply > request
}
