//! How much the functions of a component come to when they are compiled: inside of a loop every local may need a place of
//! its own in each loop around it, and a few thousand bytes of that take the compiler minutes.

use wasmparser::{FunctionBody, Operator, Result};

/// Most places that one function may need. CPython's most loaded one comes to 800.
pub(super) const MOST_IN_ONE: u64 = 5_000;
/// Most places in all, of functions that need [`FEW`] or more. CPython comes to 50,000, however few each needs.
pub(super) const MOST_PLACES: u64 = 500_000;
/// What costs nothing to speak of.
const FEW: u64 = 500;

/// Adds the functions up while a file is parsed.
#[derive(Default)]
pub(super) struct Loops {
    places: u64,
    excessive: bool,
}

impl Loops {
    /// Whether it is more than any program needs.
    pub(super) fn is_excessive(&self) -> bool {
        self.excessive || self.places > MOST_PLACES
    }

    /// Takes the next function.
    ///
    /// # Errors
    /// What does not parse.
    pub(super) fn take(&mut self, body: &FunctionBody<'_>) -> Result<()> {
        let mut locals = 0;
        for some in body.get_locals_reader()? {
            locals += u64::from(some?.0);
        }
        // There are no more loops than bytes that may begin one, and most functions need no closer look.
        const LOOP: u8 = 0x03;
        let most = body.as_bytes().iter().filter(|byte| **byte == LOOP).count() as u64;
        if locals.saturating_mul(most) < FEW {
            return Ok(());
        }
        let places = locals.saturating_mul(deepest(body)?);
        self.excessive |= places > MOST_IN_ONE;
        if places >= FEW {
            self.places = self.places.saturating_add(places);
        }
        Ok(())
    }
}

/// How many loops stand in one another.
fn deepest(body: &FunctionBody<'_>) -> Result<u64> {
    let (mut open, mut loops, mut deepest) = (Vec::new(), 0, 0);
    for operator in body.get_operators_reader()? {
        let is_loop = match operator? {
            Operator::Loop { .. } => true,
            Operator::Block { .. }
            | Operator::If { .. }
            | Operator::Try { .. }
            | Operator::TryTable { .. } => false,
            Operator::End | Operator::Delegate { .. } => {
                loops -= u64::from(open.pop().unwrap_or(false));
                continue;
            }
            _ => continue,
        };
        open.push(is_loop);
        loops += u64::from(is_loop);
        deepest = deepest.max(loops);
    }
    Ok(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::BinaryReader;

    /// A function with so many locals, up to 127, and loops in one another, each of which ends before a block begins.
    fn function(locals: u8, loops: usize) -> Vec<u8> {
        let i32s = [1, locals, 0x7f].into_iter();
        let (begin, end) = ([0x03, 0x40].repeat(loops), vec![0x0b; loops]);
        i32s.chain(begin).chain(end).chain([0x02, 0x40, 0x0b, 0x0b]).collect()
    }

    fn taken(functions: &[Vec<u8>]) -> bool {
        let mut loops = Loops::default();
        for bytes in functions {
            loops.take(&FunctionBody::new(BinaryReader::new(bytes, 0))).unwrap();
        }
        !loops.is_excessive()
    }

    #[test]
    fn a_function_of_many_locals_in_many_loops_is_excessive() {
        assert!(taken(&[function(100, 50)]));
        assert!(!taken(&[function(100, 51)]));
        assert!(taken(&[function(0, 1000), function(127, 0)]));
        // Loops one after the other are no trouble.
        let one = function(100, 1);
        let body = one[3..5].iter().chain(&[0x0b]).copied().collect::<Vec<u8>>().repeat(1000);
        assert!(taken(&[[&one[..3], &body, &[0x0b]].concat()]));
    }

    #[test]
    fn functions_add_up() {
        assert!(taken(&vec![function(100, 50); 100]));
        assert!(!taken(&vec![function(100, 50); 101]));
        assert!(taken(&vec![function(100, 4); 10_000]));
    }

    #[test]
    fn a_function_that_is_cut_off_is_told() {
        let whole = function(100, 51);
        let cut = FunctionBody::new(BinaryReader::new(&whole[..80], 0));
        assert!(Loops::default().take(&cut).is_err());
    }
}
