//! Names of sheets: what a workbook allows, and each only once.

const MAX_UNITS: usize = 31;

/// Turns wanted names into allowed ones: no `[ ] : * ? / \`, at most 31 UTF-16 units, not blank, no
/// apostrophe at either end, and different from each other without regard to case.
pub(super) fn sheet_names<'a>(wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in wanted {
        let base = allowed(name);
        let mut candidate = cut(&base, MAX_UNITS);
        let mut number = 2;
        while names
            .iter()
            .any(|taken| taken.to_lowercase() == candidate.to_lowercase())
        {
            let suffix = format!(" ({number})");
            candidate = cut(&base, MAX_UNITS - suffix.len()) + &suffix;
            number += 1;
        }
        names.push(candidate);
    }
    names
}

fn allowed(name: &str) -> String {
    let replaced = name.chars().map(|character| match character {
        '[' => '（',
        ']' => '）',
        ':' => '：',
        '*' => '＊',
        '?' => '？',
        '/' => '／',
        '\\' => '＼',
        other if other.is_control() => ' ',
        other => other,
    });
    let replaced: String = replaced.collect();
    let name = replaced.trim().trim_matches('\'').trim();
    match name {
        "" => "Sheet".to_owned(),
        // The name of the pane in which spreadsheet programs list changes.
        name if name.eq_ignore_ascii_case("history") => format!("{name}_"),
        name => name.to_owned(),
    }
}

fn cut(name: &str, units: usize) -> String {
    let mut used = 0;
    let fits = |character: &char| {
        used += character.len_utf16();
        used <= units
    };
    let cut: String = name.chars().take_while(fits).collect();
    cut.trim_end_matches('\'').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_one_that_a_workbook_allows_and_each_is_different() {
        let long = "检查发现问题汇总表".repeat(10);
        let names = sheet_names(
            [
                "问题/汇总",
                "问题/汇总",
                "",
                "'x'",
                "History",
                &long,
                &long,
                "DATA",
                "data",
            ]
            .into_iter(),
        );
        assert_eq!(
            &names[..5],
            ["问题／汇总", "问题／汇总 (2)", "Sheet", "x", "History_"]
        );
        assert!(
            names
                .iter()
                .all(|name| name.encode_utf16().count() <= MAX_UNITS)
        );
        assert_ne!(names[5], names[6]);
        assert_eq!(&names[7..], ["DATA", "data (2)"]);
    }
}
