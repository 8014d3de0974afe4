//! What is to be done with each constructor, for one layer's answers or for all requests.
//!
//! Invariant: where nothing of a type changes, its bytes are taken over as they are.

use std::sync::OnceLock;

use super::LAYERS;
use super::shapes::{Field, Kind, SHAPES, Says, Shapes, Type};

/// Where an object that a layer does not have is replaced by another of its type: Telegram's own for what a client cannot show.
const SUBSTITUTES: [(&str, &str); 2] =
    [("MessageAction", "messageActionEmpty"), ("MessageMedia", "messageMediaUnsupported")];
/// The type that is wanted, the peer that is given, and what it means.
const MEANT: [(&str, &str, &str); 4] = [
    ("InputChannel", "inputPeerChannel", "inputChannel"),
    ("InputUser", "inputPeerSelf", "inputUserSelf"),
    ("InputUser", "inputPeerUser", "inputUser"),
    ("InputUser", "inputPeerUserFromMessage", "inputUserFromMessage"),
];
const LAYERS_COUNT: usize = (*LAYERS.end() - *LAYERS.start() + 1) as usize;

/// What becomes of a constructor or method.
#[derive(Clone, Debug)]
pub(super) enum Becomes {
    Same,
    /// Another, and where each of that one's fields comes from.
    Other {
        to: usize,
        from: Vec<Source>,
    },
    /// One of its fields.
    Field(usize),
    /// Nothing, or a constructor without fields.
    Nothing {
        but: Option<u32>,
    },
}

/// Where a field comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Field(usize),
    /// There is none of its name.
    Nowhere,
    /// The one of its name is of another type.
    Unlike,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Plan {
    becomes: Vec<Becomes>,
    /// By type.
    touched: Vec<bool>,
    meant: Vec<(Type, u32, usize)>,
}

impl Plan {
    /// What is done with answers and updates for clients of this layer.
    pub(super) fn of_layer(layer: i32) -> Option<&'static Plan> {
        static PLANS: [OnceLock<Plan>; LAYERS_COUNT] = [const { OnceLock::new() }; LAYERS_COUNT];
        let place = usize::try_from(layer - LAYERS.start()).ok()?;
        Some(PLANS.get(place)?.get_or_init(|| Self::for_layer(&SHAPES, layer)))
    }

    /// What is done with requests, whatever layer they are of.
    pub(super) fn of_requests() -> &'static Plan {
        static PLAN: OnceLock<Plan> = OnceLock::new();
        PLAN.get_or_init(|| Self::for_requests(&SHAPES))
    }

    /// Leaves out what a client of this layer does not know.
    pub(super) fn that_checks(layer: i32) -> Option<&'static Plan> {
        static PLANS: [OnceLock<Plan>; LAYERS_COUNT] = [const { OnceLock::new() }; LAYERS_COUNT];
        let place = usize::try_from(layer - LAYERS.start()).ok()?;
        Some(PLANS.get(place)?.get_or_init(|| Self::for_checks(layer)))
    }

    fn for_checks(layer: i32) -> Self {
        let known = |index: usize| {
            let rows = || SHAPES.rows.iter().filter(|row| row.layers.contains(&layer));
            rows().any(|row| matches!(row.says, Says::Other(to) if to == index))
                || (SHAPES.is_of_schema(index) && !rows().any(|row| row.of == index))
        };
        let becomes = (0..SHAPES.len()).map(|index| match known(index) {
            true => Becomes::Same,
            false => Becomes::Nothing { but: None },
        });
        Self { becomes: becomes.collect(), touched: vec![true; SHAPES.types_len()], meant: Vec::new() }
    }

    fn for_layer(shapes: &Shapes, layer: i32) -> Self {
        let mut becomes = vec![Becomes::Same; shapes.len()];
        for row in shapes.rows.iter().filter(|row| row.layers.contains(&layer)) {
            becomes[row.of] = match row.says {
                Says::Other(to) => other(shapes, row.of, to),
                Says::Field(field) => Becomes::Field(field),
                Says::Nothing => Becomes::Nothing { but: substitute(shapes, row.of) },
            };
        }
        Self::new(shapes, becomes, Vec::new())
    }

    fn for_requests(shapes: &Shapes) -> Self {
        let mut becomes = vec![Becomes::Same; shapes.len()];
        for row in &shapes.rows {
            if let Says::Other(from) = row.says {
                becomes[from] = other(shapes, from, row.of);
            }
        }
        let meant = MEANT.iter().filter_map(|(_, given, means)| {
            let (given, means) = (shapes.named(given)?, shapes.named(means)?);
            Some((shapes[means].of.object()?, shapes[given].id, means))
        });
        Self::new(shapes, becomes, meant.collect())
    }

    fn new(shapes: &Shapes, becomes: Vec<Becomes>, meant: Vec<(Type, u32, usize)>) -> Self {
        let mut touched = vec![false; shapes.types_len()];
        meant.iter().for_each(|(of, ..)| touched[of.place()] = true);
        let mut plan = Self { becomes, touched, meant };
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for index in 0..shapes.len() {
                let shape = &shapes[index];
                if let Kind::Object(of) = shape.of
                    && !shape.is_method
                    && !plan.touched[of.place()]
                    && plan.touches_shape(shapes, index)
                {
                    plan.touched[of.place()] = true;
                    is_settled = false;
                }
            }
        }
        plan
    }

    fn touches_shape(&self, shapes: &Shapes, index: usize) -> bool {
        !matches!(self.becomes[index], Becomes::Same)
            || shapes[index].fields.iter().any(|field| self.touches_kind(&field.kind))
    }

    /// Whether anything in this method may change.
    pub(super) fn touches(&self, method: usize) -> bool {
        self.touches_shape(&SHAPES, method)
    }

    /// Whether anything in what is of this kind may change.
    pub(super) fn touches_kind(&self, kind: &Kind) -> bool {
        kind.object().is_some_and(|of| self.touches_type(of))
    }

    pub(super) fn touches_type(&self, of: Type) -> bool {
        self.touched[of.place()]
    }

    pub(super) fn becomes(&self, index: usize) -> &Becomes {
        &self.becomes[index]
    }

    /// The constructor that is meant by the one with this number where an object of this type is wanted.
    pub(super) fn meant(&self, id: u32, of: Type) -> Option<usize> {
        self.meant.iter().find(|(wanted, given, _)| (*wanted, *given) == (of, id)).map(|(.., means)| *means)
    }
}

fn other(shapes: &Shapes, of: usize, to: usize) -> Becomes {
    let own = &shapes[of].fields;
    let source = |wanted: &Field| match own.iter().position(|field| field.name == wanted.name) {
        Some(field) if own[field].kind == wanted.kind => Source::Field(field),
        Some(_) => Source::Unlike,
        None => Source::Nowhere,
    };
    Becomes::Other { to, from: shapes[to].fields.iter().map(source).collect() }
}

fn substitute(shapes: &Shapes, of: usize) -> Option<u32> {
    SUBSTITUTES
        .iter()
        .filter_map(|(_, name)| shapes.named(name))
        .map(|index| &shapes[index])
        .find(|one| one.of == shapes[of].of)
        .map(|one| one.id)
}
