//! The code in the README is code of these tests.

#[test]
fn the_code_in_the_readme_runs() {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let tests = [include_str!("container.rs"), include_str!("process.rs"), include_str!("support/mod.rs")];
    let tests = tests.map(plain);
    let blocks: Vec<&str> = include_str!("../README.md")
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        assert!(tests.iter().any(|test| test.contains(&plain(block))), "no test has this:\n{block}");
    }
}
