//! Lists against a deque of node numbers.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths)]

use core::mem::{MaybeUninit, size_of};
use core::ptr::NonNull;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use std::collections::VecDeque;
use tinyalloc_list::{Linked, Links, List};

#[derive(Default)]
struct Node {
    number: usize,
    links: Links<Node>,
}

// SAFETY: N1 by the field; N2: every test keeps its nodes in place until the end.
unsafe impl Linked for Node {
    fn links(&self) -> &Links<Node> {
        &self.links
    }
}

fn nodes(count: usize) -> Vec<Node> {
    (0..count).map(|number| Node { number, links: Links::new() }).collect()
}

fn number(node: NonNull<Node>) -> usize {
    // SAFETY: N2.
    unsafe { node.as_ref() }.number
}

fn numbers(list: &List<Node>) -> Vec<usize> {
    list.iter().map(number).collect()
}

fn fill(list: &List<Node>, nodes: &[Node]) {
    for node in nodes {
        // SAFETY: N2, and the tests hand in unlinked nodes.
        unsafe { list.push_back(node.into()) };
    }
}

/// One step on two lists and their models; returns what was taken out.
fn step(lists: &[List<Node>; 2], models: &mut [VecDeque<usize>; 2], nodes: &[Node], choice: (u8, usize, usize)) {
    let (operation, pick, place) = choice;
    let (list, model) = (&lists[pick % 2], &mut models[pick % 2]);
    let node = &nodes[pick / 2 % nodes.len()];
    let unlinked = !node.links.is_linked();
    let at = (!model.is_empty()).then(|| place % model.len());
    let at_node = at.map(|at| NonNull::from(&nodes[model[at]]));
    match (operation % 8, at.zip(at_node)) {
        // SAFETY: N2, and the node is unlinked.
        (0, _) if unlinked => unsafe { list.push_front(node.into()) },
        // SAFETY: N2, and the node is unlinked.
        (1, _) if unlinked => unsafe { list.push_back(node.into()) },
        // SAFETY: N2, the node is unlinked, and the model says that the neighbour is in this list.
        (2, Some((_, at))) if unlinked => unsafe { list.insert_before(at, node.into()) },
        // SAFETY: N2, the node is unlinked, and the model says that the neighbour is in this list.
        (3, Some((_, at))) if unlinked => unsafe { list.insert_after(at, node.into()) },
        // SAFETY: the model says that the node is in this list.
        (4, Some((_, at))) => unsafe { list.remove(at) },
        (5, _) => assert_eq!(list.pop_front().map(number), model.front().copied()),
        (6, _) => assert_eq!(list.pop_back().map(number), model.back().copied()),
        (7, _) if pick % 16 == 0 => lists[0].append(&lists[1]),
        _ => return,
    }
    match (operation % 8, at) {
        (0, _) => model.push_front(node.number),
        (1, _) => model.push_back(node.number),
        (2, Some(at)) => model.insert(at, node.number),
        (3, Some(at)) => model.insert(at + 1, node.number),
        (4, Some(at)) => _ = model.remove(at),
        (5, _) => _ = model.pop_front(),
        (6, _) => _ = model.pop_back(),
        _ => {
            let [first, second] = models;
            first.append(second);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 8 } else { 1000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_follows_its_model(steps in vec(any::<(u8, usize, usize)>(), 1..if cfg!(miri) { 60 } else { 200 })) {
        let nodes = nodes(12);
        let lists = [List::new(), List::new()];
        let mut models = [VecDeque::new(), VecDeque::new()];
        for choice in steps {
            step(&lists, &mut models, &nodes, choice);
            for (list, model) in lists.iter().zip(&models) {
                prop_assert_eq!(numbers(list), model.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(list.iter().rev().map(number).collect::<Vec<_>>(), model.iter().rev().copied().collect::<Vec<_>>());
                prop_assert_eq!(list.first().map(number), model.front().copied());
                prop_assert_eq!(list.last().map(number), model.back().copied());
                prop_assert_eq!(list.is_empty(), model.is_empty());
            }
            for node in &nodes {
                let held = [0, 1].map(|list| models[list].contains(&node.number));
                // SAFETY: N2.
                let found = [0, 1].map(|list| unsafe { lists[list].contains(node.into()) });
                prop_assert_eq!(held, found);
                prop_assert_eq!(node.links.is_linked(), held[0] || held[1]);
            }
        }
        prop_assert!(lists[0].drain().map(number).eq(models[0].iter().copied()));
        prop_assert!(lists[0].is_empty());
    }
}

#[test]
fn zero_bytes_are_an_empty_list_and_unlinked_links() {
    // SAFETY: all-zero bytes are valid links, as their documentation promises.
    let links: Links<Node> = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: all-zero bytes are a valid list, as its documentation promises.
    let list: List<Node> = unsafe { MaybeUninit::zeroed().assume_init() };
    assert!(!links.is_linked());
    assert!(list.is_empty() && list.iter().next().is_none() && list.pop_back().is_none());
    assert_eq!(size_of::<Links<Node>>(), 2 * size_of::<usize>());
    assert_eq!(size_of::<List<Node>>(), 2 * size_of::<usize>());
}

#[test]
fn a_lone_node_counts_as_linked() {
    let (nodes, list) = (nodes(1), List::new());
    fill(&list, &nodes);
    assert!(nodes[0].links.is_linked());
    assert_eq!(list.pop_back().map(number), Some(0));
    assert!(!nodes[0].links.is_linked());
}

#[test]
fn the_yielded_node_may_be_removed_while_the_walk_goes_on() {
    let (nodes, list) = (nodes(10), List::new());
    fill(&list, &nodes);
    for node in list.iter().filter(|node| number(*node) % 3 != 1) {
        // SAFETY: the node was just yielded, so it is in the list.
        unsafe { list.remove(node) };
    }
    assert_eq!(numbers(&list), [1, 4, 7]);
}

#[test]
fn the_two_ends_of_a_walk_meet_without_repeating() {
    let (nodes, list) = (nodes(5), List::new());
    fill(&list, &nodes);
    let mut walk = list.iter();
    assert_eq!(walk.next().map(number), Some(0));
    assert_eq!(walk.next_back().map(number), Some(4));
    assert_eq!(walk.by_ref().map(number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(walk.next().is_none() && walk.next_back().is_none());
}

#[test]
fn what_is_not_drained_stays() {
    let (nodes, list) = (nodes(5), List::new());
    fill(&list, &nodes);
    assert_eq!(list.drain().take(2).map(number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(list.drain().next_back().map(number), Some(4));
    assert_eq!(numbers(&list), [2, 3]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "only debug builds look")]
#[should_panic(expected = "in one list at a time")]
fn pushing_a_node_twice_is_caught() {
    let (nodes, first, second) = (nodes(1), List::new(), List::new());
    fill(&first, &nodes);
    fill(&second, &nodes);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "only debug builds look")]
#[should_panic(expected = "in another list or in none")]
fn removing_an_unlinked_node_is_caught() {
    let (nodes, list) = (nodes(2), List::new());
    fill(&list, &nodes[..1]);
    // SAFETY: the mistake under test, refused before anything is read through it.
    unsafe { list.remove((&nodes[1]).into()) };
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "only debug builds look")]
#[should_panic(expected = "in another list or in none")]
fn removing_the_end_of_another_list_is_caught() {
    let (nodes, first, second) = (nodes(2), List::new(), List::new());
    fill(&first, &nodes[..1]);
    fill(&second, &nodes[1..]);
    // SAFETY: the mistake under test, refused before anything is changed.
    unsafe { first.remove((&nodes[1]).into()) };
}
