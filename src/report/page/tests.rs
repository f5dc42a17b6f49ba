use super::*;
use crate::results::report::{
    Axis, Cell, Column, Figure, Lever, Outcome, Scale, Section, Table, Unit,
};

fn course(id: &str, unit: Unit) -> Figure {
    let line = |name: &str| Layer::Line {
        name: name.to_owned(),
        variant: Some(name.to_owned()),
        dashed: false,
        points: vec![(0.0, 1.0), (60.0, 2.5)],
    };
    Figure {
        id: id.to_owned(),
        title: "Load".to_owned(),
        x: Axis {
            unit,
            ..Axis::default()
        },
        layers: vec![line("roomy"), line("</script><b>tight")],
        ..Figure::default()
    }
}

fn table(columns: usize, rows: usize) -> Table {
    let column = |at: usize| Column {
        title: format!("column {at}"),
        unit: Unit::Millis,
    };
    let row = |at: usize| {
        let mut cells = vec![Cell::Number(1500.0 + at as f64); columns];
        cells[0] = Cell::Text("roomy".to_owned());
        cells
    };
    Table {
        id: "table".to_owned(),
        title: "A table".to_owned(),
        columns: (0..columns).map(column).collect(),
        rows: (0..rows).map(row).collect(),
    }
}

fn report(blocks: Vec<Block>) -> Report {
    Report {
        schema: "bedload.report/1".to_owned(),
        title: "a <b>bold</b> title".to_owned(),
        question: "Does `it` fit?".to_owned(),
        verdict: vec!["`roomy` does.".to_owned()],
        met: Some(true),
        warnings: vec!["one & only".to_owned()],
        sections: vec![Section {
            id: "first".to_owned(),
            title: "First".to_owned(),
            text: Vec::new(),
            blocks,
        }],
        origin: Vec::new(),
    }
}

#[test]
fn nothing_in_a_report_becomes_a_tag() {
    let page = page(&report(vec![Block::Figure(course("load", Unit::Seconds))]));
    assert!(page.contains("a &lt;b&gt;bold&lt;/b&gt; title"));
    assert!(page.contains("<code>roomy</code> does."));
    assert!(!page.contains("</script><b>"));
    // The document comes back as it was.
    let (_, rest) = page.split_once("id=\"report\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    let back: Report = serde_json::from_str(json).unwrap();
    assert_eq!(
        back,
        report(vec![Block::Figure(course("load", Unit::Seconds))])
    );
}

#[test]
fn the_policy_names_the_style_and_the_script_of_the_page() {
    let page = page(&report(Vec::new()));
    let part = |from: &str, to: &str| {
        let (_, rest) = page.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let style = part("<style>", "</style>");
    let script = part("<script>", "</script>");
    for text in [style, script] {
        let hash = STANDARD.encode(Sha256::digest(text.as_bytes()));
        assert!(page.contains(&format!("sha256-{hash}")));
    }
    // Nothing else could run or load: no address, and no attribute that is a style or a script.
    for foreign in [
        " style=",
        " onclick=",
        " src=",
        "url(",
        "@import",
        "http://",
        "https://",
    ] {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(foreign) || foreign == "url(", "{foreign}");
    }
}

#[test]
fn few_rows_of_many_columns_are_turned() {
    let of =
        |columns, rows| table::compared(&table(columns, rows), &["roomy".to_owned()]).into_string();
    let turned = of(9, 3);
    assert_eq!(turned.matches("<tr").count(), 9);
    assert_eq!(turned.matches("data-v=\"1501\"").count(), 8);
    assert_eq!(turned.matches("data-variant=\"roomy\"").count(), 3 + 24);
    let plain = of(4, 3);
    assert_eq!(plain.matches("<tr").count(), 4);
    assert!(plain.contains("1.50 s"));
}

#[test]
fn what_is_no_number_is_a_dash() {
    let mut one = table(2, 1);
    one.rows[0][1] = Cell::Number(f64::NAN);
    let text = table::compared(&one, &[]).into_string();
    assert!(!text.contains("data-v") && text.contains("–"), "{text}");
}

#[test]
fn small_pictures_stand_in_pairs() {
    let small = || Block::Figure(course("small", Unit::Share));
    let wide = || Block::Figure(course("wide", Unit::Seconds));
    let halves = |blocks: &[Block]| -> Vec<bool> {
        (0..blocks.len())
            .map(|at| blocks::is_half(blocks, at))
            .collect()
    };
    assert_eq!(halves(&[small(), small(), small()]), [true, true, false]);
    assert_eq!(halves(&[wide(), small(), wide()]), [false, false, false]);
    let categories = (0..9).map(|n| n.to_string()).collect();
    let mut many = course("many", Unit::Text);
    many.x.scale = Scale::Category(categories);
    assert_eq!(halves(&[small(), Block::Figure(many)]), [false, false]);
}

#[test]
fn a_lever_shows_its_present_position_without_scripts() {
    let lever = Lever {
        id: "price".to_owned(),
        title: "Does it pay?".to_owned(),
        label: "price".to_owned(),
        unit: Unit::Usd,
        range: [0.0, 100.0, 50.0],
        outcomes: vec![Outcome {
            label: "saving".to_owned(),
            unit: Unit::Usd,
            points: vec![(0.0, 20.0), (50.0, -30.0), (100.0, -80.0)],
        }],
    };
    let text = page(&report(vec![Block::Lever(lever)]));
    assert!(text.contains(">−$30.00</output>"), "{text}");
    assert!(text.contains("data-v=\"-80\" data-u=\"usd\">−$80.00</td>"));
}

#[test]
fn a_long_answer_is_divided() {
    assert_eq!(
        headline("roomy meets it; tight does not."),
        ("roomy meets it; tight does not.", "")
    );
    let rest = "tight misses `ttft.p99`, which is a good deal longer than anybody would say in large letters.";
    let text = format!("provisioned meets the SLO; {rest}");
    assert_eq!(headline(&text), ("provisioned meets the SLO", rest));
    let text = format!("roomy costs $12.50 a month, all told. {rest}");
    assert_eq!(
        headline(&text),
        ("roomy costs $12.50 a month, all told.", rest)
    );
}

#[test]
fn a_backtick_without_its_partner_is_one() {
    assert_eq!(prose("a `b").into_string(), "a `b");
    assert_eq!(prose("a `b` c").into_string(), "a <code>b</code> c");
}
