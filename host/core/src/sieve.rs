//! Between step 2 and step 3: what of the listings may differ from the baseline. Both sides come sorted and in pieces,
//! and what is as it was is dropped on the way, so that a run keeps no more of a listing than has changed.
//!
//! [`crate::compare::compare`] comes to the same findings of what is left as of everything.

use crate::change_key::{LocalId, LocalKey, Pair, RemoteId, RemoteKey};
use crate::compare::is_another_record;
use std::cmp::Ordering;
use std::iter::Peekable;

/// Merges the remote's listing with the pairs, which come by remote id.
pub struct RemoteSieve<P: Iterator> {
    pairs: Peekable<P>,
    last: Option<RemoteId>,
    late: Vec<RemoteKey>,
    left: Remote,
}

/// What the remote's listing leaves to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remote {
    /// Pairs whose remote record is not the same, or not listed, or not told from another's.
    pub pairs: Vec<Pair>,
    /// What is listed of these, and what is not linked: sorted by id.
    pub keys: Vec<RemoteKey>,
    /// Number of records that were listed.
    pub listed: u64,
    /// Ids that were listed out of order while no pair of them was left: those that are linked were listed twice.
    pub doubtful: Vec<RemoteId>,
}

impl Remote {
    /// An id that was listed more than once. The doubtful ones are not looked at.
    pub fn twice(&self) -> Option<&RemoteId> {
        self.keys.windows(2).find(|keys| keys[0].id == keys[1].id).map(|keys| &keys[0].id)
    }
}

impl<E, P: Iterator<Item = Result<Pair, E>>> RemoteSieve<P> {
    /// Of these pairs, sorted by remote id.
    pub fn new(pairs: P) -> RemoteSieve<P> {
        RemoteSieve { pairs: pairs.peekable(), last: None, late: Vec::new(), left: Remote::default() }
    }

    /// Takes the next record of the listing. One that comes out of order is kept until the end: a listing that is not
    /// sorted is kept whole.
    ///
    /// # Errors
    /// The pairs' own.
    pub fn add(&mut self, key: RemoteKey) -> Result<(), E> {
        self.left.listed += 1;
        if self.last.as_ref().is_some_and(|last| key.id <= *last) {
            self.late.push(key);
            return Ok(());
        }
        self.pass(|pair| pair.remote.id < key.id)?;
        let same_id = |pair: &Pair| pair.remote.id == key.id;
        let kept = self.left.pairs.len();
        self.pass(same_id)?;
        let is_same = match self.left.pairs.get(kept..) {
            Some([pair]) => pair.remote.token == key.token && !is_another_record(&pair.remote, &key),
            _ => false,
        };
        if is_same {
            self.left.pairs.truncate(kept);
            self.last = Some(key.id);
        } else {
            self.last = Some(key.id.clone());
            self.left.keys.push(key);
        }
        Ok(())
    }

    /// Keeps the next pairs, as long as they are such.
    fn pass(&mut self, such: impl Fn(&Pair) -> bool) -> Result<(), E> {
        while let Some(next) = self.pairs.next_if(|next| next.as_ref().map_or(true, &such)) {
            self.left.pairs.push(next?);
        }
        Ok(())
    }

    /// What is left once all is listed.
    ///
    /// # Errors
    /// The pairs' own.
    pub fn finish(mut self) -> Result<Remote, E> {
        self.pass(|_| true)?;
        let Remote { pairs, keys, doubtful, .. } = &mut self.left;
        if !self.late.is_empty() {
            let known = |ids: &[&RemoteId], id| ids.binary_search(&id).is_ok();
            // In order, since pairs and keys came in order.
            let left: Vec<&RemoteId> = pairs.iter().map(|pair| &pair.remote.id).collect();
            doubtful.extend(self.late.iter().map(|key| &key.id).filter(|id| !known(&left, id)).cloned());
            keys.append(&mut self.late);
            keys.sort_by(|a, b| a.id.cmp(&b.id));
        }
        Ok(self.left)
    }
}

/// What the local listing leaves to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Local {
    /// Linked records that are edited or gone.
    pub touched: Vec<LocalId>,
    /// Records that are not linked.
    pub new: Vec<LocalKey>,
    /// Number of records that are linked.
    pub linked: u64,
    /// Number of records that are there.
    pub listed: u64,
}

/// Merges the local records with the local halves of the pairs, both sorted by id.
///
/// # Errors
/// The listings' own.
pub fn local<E>(
    linked: impl Iterator<Item = Result<LocalKey, E>>,
    listed: impl Iterator<Item = Result<LocalKey, E>>,
) -> Result<Local, E> {
    let (mut linked, mut listed) = (linked.peekable(), listed.peekable());
    let mut left = Local::default();
    loop {
        let order = match (linked.peek(), listed.peek()) {
            (None, None) => return Ok(left),
            (Some(Ok(pair)), Some(Ok(key))) => pair.id.cmp(&key.id),
            (Some(_), None) | (Some(Err(_)), _) => Ordering::Less,
            (None, Some(_)) | (_, Some(Err(_))) => Ordering::Greater,
        };
        let pair = if order.is_le() { linked.next().transpose()? } else { None };
        let key = if order.is_ge() { listed.next().transpose()? } else { None };
        left.linked += u64::from(pair.is_some());
        left.listed += u64::from(key.is_some());
        match (pair, key) {
            (Some(pair), key) if key.as_ref() != Some(&pair) => left.touched.push(pair.id),
            (None, Some(key)) => left.new.push(key),
            (Some(_), _) | (None, None) => {}
        }
    }
}
