//! Reports of a small real run.

use super::*;
use crate::results::tests::summary;

fn folder(name: &str) -> ResultFolder {
    let text = summary(1).to_json();
    let files = FolderFiles {
        summary: Some(&text),
        ..FolderFiles::default()
    };
    ResultFolder::read(name, files).unwrap()
}

#[test]
fn a_folder_without_results_is_none() {
    let error = ResultFolder::read("here", FolderFiles::default()).unwrap_err();
    assert!(error.to_string().contains("summary.json"), "{error}");
    let files = FolderFiles {
        summary: Some("{}"),
        ..FolderFiles::default()
    };
    let error = ResultFolder::read("here", files).unwrap_err();
    assert!(error.to_string().starts_with("summary.json: "), "{error}");
}

#[test]
fn words_for_links_are_unique() {
    let report = document(&[folder("a"), folder("b")]);
    let mut ids = BTreeSet::new();
    for section in &report.sections {
        assert!(ids.insert(section.id.clone()));
        for block in &section.blocks {
            match block {
                Block::Table(table) => assert!(ids.insert(table.id.clone()), "{}", table.id),
                Block::Figure(figure) => {
                    assert!(ids.insert(figure.id.clone()), "{}", figure.id);
                    assert!(ids.insert(figure.table.id.clone()));
                }
                Block::Lever(lever) => assert!(ids.insert(lever.id.clone())),
                Block::Definitions(_) => {}
            }
        }
    }
}

#[test]
fn a_report_survives_json() {
    let report = document(&[folder("a")]);
    let text = serde_json::to_string(&report).unwrap();
    let again: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(report, again);
}
