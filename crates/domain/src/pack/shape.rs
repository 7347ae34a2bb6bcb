//! The shape of the pack format, declared once for the type, for the check and for the JSON Schema.
//!
//! [`record!`] and [`choice!`] make a Rust type and, from the same list of fields, the [`Shape`] that a file is checked
//! against and that the schema is written from. So the three cannot come apart. Rules that involve more than one value
//! (references, dates against the campaign, circles) are in `walk` and `cross`.

use super::ids::Table;

/// What a value of the format looks like.
#[derive(Debug)]
pub(super) enum Shape {
    /// Text with something to read in it.
    Text,
    Flag,
    /// A whole number from 0 to 2³²−1.
    Whole,
    Number,
    /// A text of a certain form.
    Form(&'static Form),
    /// The identifier of a row of a table.
    Row(Table),
    Choice(&'static [&'static str]),
    List {
        of: &'static Self,
        at_least_one: bool,
    },
    Record(&'static Record),
}

/// A text that must have a certain form.
#[derive(Debug)]
pub(super) struct Form {
    /// Name in the schema.
    pub(super) name: &'static str,
    /// The form as a regular expression, for the schema; `fault` is what decides here.
    pub(super) pattern: &'static str,
    pub(super) about: &'static str,
    /// What is wrong with a text, if anything.
    pub(super) fault: fn(&str) -> Option<FormFault>,
}

#[derive(Debug)]
pub(super) struct FormFault {
    pub(super) code: super::FaultCode,
    pub(super) zh: String,
    pub(super) en: String,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The table of which it is a row, named by its field `id`.
    pub(super) table: Option<Table>,
    pub(super) fields: &'static [Field],
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) is_required: bool,
    pub(super) shape: &'static Shape,
}

/// A type that is part of the format.
pub(super) trait Shaped {
    const SHAPE: Shape;
    const IS_REQUIRED: bool = true;

    /// Whether the field is left out when written.
    fn is_absent(&self) -> bool {
        false
    }
}

impl Shaped for String {
    const SHAPE: Shape = Shape::Text;
}

impl Shaped for bool {
    const SHAPE: Shape = Shape::Flag;
}

impl Shaped for u32 {
    const SHAPE: Shape = Shape::Whole;
}

impl Shaped for f64 {
    const SHAPE: Shape = Shape::Number;
}

impl<T: Shaped> Shaped for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    const IS_REQUIRED: bool = false;

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Shaped + 'static> Shaped for Vec<T> {
    const SHAPE: Shape = Shape::List {
        of: &T::SHAPE,
        at_least_one: false,
    };
}

impl<T: Shaped + 'static> Shaped for super::OneOrMore<T> {
    const SHAPE: Shape = Shape::List {
        of: &T::SHAPE,
        at_least_one: true,
    };
}

/// Declares an object of the format: `struct Name { field: Type, list: Vec<T> = default }`. A field of type `Option` may be
/// left out, and so may one with `= default`. `in Table` says that its `id` makes a row of that table.
macro_rules! record {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident $(in $table:ident)? {
            $( $(#[doc = $doc:literal])* pub $field:ident : $type:ty $(= $default:ident)? ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])*
                #[serde($($default,)? skip_serializing_if = "crate::pack::shape::Shaped::is_absent")]
                pub $field: $type,
            )*
        }

        impl crate::pack::shape::Shaped for $name {
            const SHAPE: crate::pack::shape::Shape =
                crate::pack::shape::Shape::Record(&crate::pack::shape::Record {
                    name: stringify!($name),
                    about: concat!($($about),*),
                    table: crate::pack::shape::the_one(&[$(crate::pack::ids::Table::$table)?]),
                    fields: &[$(
                        crate::pack::shape::Field {
                            name: stringify!($field),
                            about: concat!($($doc),*),
                            is_required: <$type as crate::pack::shape::Shaped>::IS_REQUIRED
                                $(&& stringify!($default).is_empty())?,
                            shape: &<$type as crate::pack::shape::Shaped>::SHAPE,
                        },
                    )*],
                });
        }
    };
}

/// What a macro was given at most once.
pub(super) const fn the_one(tables: &[Table]) -> Option<Table> {
    match tables {
        [table] => Some(*table),
        _ => None,
    }
}

/// Declares a value that is one of a list of words.
macro_rules! choice {
    (
        $(#[doc = $about:literal])*
        pub enum $name:ident { $( $(#[doc = $doc:literal])* $variant:ident = $word:literal ),* $(,)? }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[doc = $doc])* #[serde(rename = $word)] $variant, )*
        }

        impl $name {
            /// All of them, in the order of the format.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that stands in the file.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl crate::pack::shape::Shaped for $name {
            const SHAPE: crate::pack::shape::Shape = crate::pack::shape::Shape::Choice(&[$($word),*]);
        }
    };
}

pub(super) use {choice, record};
