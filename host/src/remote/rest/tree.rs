//! Bodies: fields, each at its place.

use super::template::quoted;
use std::collections::BTreeMap;

/// A JSON object that is put together from fields and where they stand in it.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<String, Node>);

#[derive(Debug)]
enum Node {
    Leaf(String),
    Branch(Tree),
}

impl Tree {
    /// Puts finished JSON at the end of a way of names.
    pub(super) fn put(&mut self, way: &[String], json: String) {
        match way {
            [] => {}
            [name] => {
                self.0.insert(name.clone(), Node::Leaf(json));
            }
            [name, rest @ ..] => {
                let node = self.0.entry(name.clone()).or_insert_with(|| Node::Branch(Tree::default()));
                match node {
                    Node::Branch(tree) => tree.put(rest, json),
                    Node::Leaf(_) => {}
                }
            }
        }
    }

    /// The whole as JSON.
    pub(super) fn json(&self) -> String {
        let entries: Vec<String> = self
            .0
            .iter()
            .map(|(name, node)| match node {
                Node::Leaf(json) => format!("{}:{json}", quoted(name)),
                Node::Branch(tree) => format!("{}:{}", quoted(name), tree.json()),
            })
            .collect();
        format!("{{{}}}", entries.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_put_where_they_stand() {
        let mut tree = Tree::default();
        let way = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        tree.put(&way("address.city"), "\"X\"".into());
        tree.put(&way("address.zip"), "1".into());
        tree.put(&way("na\"me"), "null".into());
        assert_eq!(tree.json(), r#"{"address":{"city":"X","zip":1},"na\"me":null}"#);
    }
}
