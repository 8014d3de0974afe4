//! Bytes that are nearly right: what is right all through is soon read, and what is wrong all through soon refused.

use arbitrary::{Result, Unstructured};

/// Changes of one case.
const CHANGES_MAX: usize = 6;
/// Bytes of one that is made up.
const BYTES_MAX: usize = 512;
/// Pieces that bytes come in.
const PIECES_MAX: usize = 8;

/// One of these after some changes, or now and then bytes that are like none of them.
pub(crate) fn bytes_like<T: AsRef<[u8]>>(from: &mut Unstructured<'_>, right: &[T]) -> Result<Vec<u8>> {
    if from.ratio(1, 10)? {
        let length = from.int_in_range(0..=BYTES_MAX)?;
        return Ok(from.bytes(length)?.to_vec());
    }
    let mut bytes = from.choose(right)?.as_ref().to_vec();
    for _ in 0..from.int_in_range(0..=CHANGES_MAX)? {
        change(from, &mut bytes)?;
    }
    Ok(bytes)
}

/// The same as text.
pub(crate) fn text_like(from: &mut Unstructured<'_>, right: &[&str]) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes_like(from, right)?).into_owned())
}

/// These bytes, cut into pieces.
pub(crate) fn pieces(from: &mut Unstructured<'_>, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut places = vec![0, bytes.len()];
    for _ in 0..from.int_in_range(0..=PIECES_MAX - 1)? {
        places.push(place(from, bytes)?);
    }
    places.sort_unstable();
    Ok(places.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect())
}

fn place(from: &mut Unstructured<'_>, bytes: &[u8]) -> Result<usize> {
    from.int_in_range(0..=bytes.len())
}

fn change(from: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let (one, other) = (place(from, bytes)?, place(from, bytes)?);
    let (begin, end) = (one.min(other), one.max(other));
    let value = from.arbitrary::<[u8; 4]>()?;
    match from.int_in_range(0..=5)? {
        // A byte is another.
        0 => bytes.iter_mut().skip(one).take(1).for_each(|byte| *byte = value[0]),
        // A bit is.
        1 => bytes.iter_mut().skip(one).take(1).for_each(|byte| *byte ^= 1 << (value[0] % 8)),
        // A part is missing.
        2 => drop(bytes.drain(begin..end)),
        // A part is there twice.
        3 => {
            let part = bytes[begin..end].to_vec();
            bytes.splice(end..end, part);
        }
        // A number, a length perhaps, is another.
        4 => bytes.iter_mut().skip(one).zip(value).for_each(|(byte, new)| *byte = new),
        // Something is there that was not.
        _ => drop(bytes.splice(one..one, value)),
    }
    Ok(())
}
