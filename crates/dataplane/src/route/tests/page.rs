//! Every row of the tables with examples in `docs/routing.md`, run.

use super::*;
use crate::plan::document::Redirect;
use crate::route::{Rewrite, redirect};

/// The cells of each row of the tables below a heading that start with this column.
fn rows(heading: &str, first_column: &str) -> Vec<Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/routing.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("the heading is there");
    let table = section.lines().skip_while(|line| !line.starts_with(&format!("| {first_column}")));
    let rows: Vec<_> = table.skip(2).take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(!rows.is_empty(), "the table `{first_column}` of `{heading}` has rows");
    rows
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim_matches('|').split(" |");
    inner.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
}

/// `a: b, c: d`
fn pairs(cell: &str) -> Vec<(&str, &str)> {
    cell.split(", ").filter_map(|pair| pair.split_once(": ")).collect()
}

fn path_of(cell: &str) -> PathMatch {
    match cell.split_once(": ") {
        Some(("exact", path)) => exact(path),
        Some(("prefix", path)) => prefix(path),
        Some(("regex", pattern)) => regex(pattern),
        _ => PathMatch::Any,
    }
}

fn route_of(row: &[String]) -> Route {
    let [name, host, path, methods, headers, query] = row else { panic!("six columns, not {row:?}") };
    let hosts: Vec<&str> = Some(host.as_str()).filter(|host| !host.is_empty()).into_iter().collect();
    let mut matches = on(&hosts, path_of(path));
    for method in methods.split(", ").filter(|method| !method.is_empty()) {
        matches = matches.method(method);
    }
    matches = pairs(headers).into_iter().fold(matches, |matches, (name, value)| matches.header(name, is(value)));
    matches = pairs(query).into_iter().fold(matches, |matches, (name, value)| matches.query(name, is(value)));
    route(name, matches)
}

#[test]
fn requests_go_where_the_page_says() {
    let table: Vec<Route> = rows("Examples", "route").iter().map(|row| route_of(row)).collect();
    let router = Router::build(&table).expect("the routes of the page are legal");
    for row in rows("Examples", "request") {
        let [request, header, expected, _] = &row[..] else { panic!("four columns, not {row:?}") };
        let (method, url) = request.split_once(' ').expect("a method and a URL");
        let headers: Vec<(&str, &str)> = header.split_once(": ").into_iter().collect();
        let head = with(method, &headers, url.trim_end_matches(" *"));
        let found = router.find(&head).map(|index| table[index].name.as_str());
        assert_eq!(found, Some(expected.as_str()), "{row:?}");
    }
}

#[test]
fn paths_are_rewritten_as_the_page_says() {
    for row in rows("Rewrite", "path of the route") {
        let [path, replacement, request, expected] = &row[..] else { panic!("four columns, not {row:?}") };
        let mut head = get(request);
        Rewrite::build(&forward(on(&[], path_of(path)), Some(replacement), None)).expect("legal").apply(&mut head);
        let query = head.query.map(|query| format!("?{query}")).unwrap_or_default();
        assert_eq!(&format!("{}{query}", head.path), expected, "{row:?}");
    }
}

#[test]
fn redirects_go_where_the_page_says() {
    for row in rows("Redirect", "redirect of the route") {
        let [parts, request, expected] = &row[..] else { panic!("three columns, not {row:?}") };
        let parts = pairs(parts);
        let part = |name: &str| parts.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let rule = Redirect {
            status: 302,
            scheme: part("scheme"),
            host: part("host"),
            path: part("path"),
            prefix: part("prefix"),
        };
        let (scheme, url) = request.split_once("://").expect("an absolute URL");
        redirect::check(&rule, &prefix("/v1")).expect("legal");
        let location = redirect::location(&rule, &prefix("/v1"), &get(url), scheme == "https");
        assert_eq!(&location, expected, "{row:?}");
    }
}
