//! "Did you mean": the nearest known name.

/// Most characters of a name that are compared.
const LONGEST: usize = 64;

/// Help for an unknown `name`: the one known name it is a misspelling of, else all of them, the nearest first.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // `Retry_For` is as good as spelt right.
    // What is longer is no slip of the hand, and comparing takes the product of the lengths.
    let plain = |text: &str| -> String {
        text.chars().take(LONGEST).collect::<String>().to_lowercase().replace('_', "-")
    };
    let wanted = plain(name);
    let mut ranked: Vec<(usize, &str)> =
        known.into_iter().map(|other| (strsim::damerau_levenshtein(&wanted, &plain(other)), other)).collect();
    ranked.sort_unstable();
    match ranked.as_slice() {
        [] => "there is none to choose from".to_owned(),
        // A third of the letters: one slip in a short name, two in `timeout`, three in a long one.
        [(distance, nearest), ..] if *distance <= wanted.chars().count().max(3) / 3 => {
            format!("did you mean `{nearest}`?")
        }
        _ => {
            let names: Vec<String> = ranked.iter().map(|(_, other)| format!("`{other}`")).collect();
            format!("known here, the nearest first: {}", names.join(", "))
        }
    }
}
