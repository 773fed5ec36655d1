//! The business components that the server knows, and their fields.

/// What a field holds. On the wire every value is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most this many characters.
    Text(usize),
    /// A whole number.
    Integer,
    /// A number with a decimal point.
    Decimal,
    /// `MM/DD/YYYY`.
    Date,
    /// `MM/DD/YYYY HH:MM:SS`, UTC.
    DateTime,
    /// `Y` or `N`.
    Boolean,
    /// The id of a record of the named component.
    Link(&'static str),
    /// The id of something this server does not serve, such as a user.
    Id,
}

/// Who may write a field, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// A client, always.
    Free,
    /// A client, when it inserts. Later writes are ignored.
    OnInsert,
    /// The server alone. What a client sends is ignored.
    Computed,
    /// The server alone. A client that sends it is refused.
    System,
}

/// One field of a component.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must not be empty.
    pub required: bool,
    /// Who may write it.
    pub write: Write,
    /// Whether the store keeps an index of its values.
    pub(crate) indexed: bool,
}

impl Field {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Field { name, kind, required: false, write: Write::Free, indexed: false }
    }

    const fn required(self) -> Self {
        Field { required: true, ..self }
    }

    const fn indexed(self) -> Self {
        Field { indexed: true, ..self }
    }

    const fn written(self, write: Write) -> Self {
        Field { write, ..self }
    }
}

const fn text(name: &'static str, length: usize) -> Field {
    Field::new(name, Kind::Text(length))
}

const fn integer(name: &'static str) -> Field {
    Field::new(name, Kind::Integer)
}

const fn decimal(name: &'static str) -> Field {
    Field::new(name, Kind::Decimal)
}

const fn date(name: &'static str) -> Field {
    Field::new(name, Kind::Date)
}

const fn timestamp(name: &'static str) -> Field {
    Field::new(name, Kind::DateTime)
}

const fn boolean(name: &'static str) -> Field {
    Field::new(name, Kind::Boolean)
}

const fn link(name: &'static str, component: &'static str) -> Field {
    Field::new(name, Kind::Link(component))
}

/// A business component within its business object.
#[derive(Debug)]
pub struct Component {
    /// The business object's name, the first part of the resource.
    pub object: &'static str,
    /// The component's own name, the second part.
    pub name: &'static str,
    /// Its fields after the system fields.
    pub fields: &'static [Field],
    /// The child components, which appear among a record's links.
    pub children: &'static [&'static str],
}

/// Positions of the system fields, which every component has first.
pub(crate) mod position {
    pub(crate) const ID: usize = 0;
    pub(crate) const CREATED: usize = 1;
    pub(crate) const CREATED_BY: usize = 2;
    pub(crate) const UPDATED: usize = 3;
    pub(crate) const UPDATED_BY: usize = 4;
    pub(crate) const MOD_ID: usize = 5;
}

/// The fields that every component has.
pub static SYSTEM: [Field; 6] = [
    Field::new("Id", Kind::Id).written(Write::System),
    timestamp("Created").written(Write::System),
    Field::new("Created By", Kind::Id).written(Write::System),
    timestamp("Updated").written(Write::System),
    Field::new("Updated By", Kind::Id).written(Write::System),
    integer("Mod Id").written(Write::System),
];

impl Component {
    /// All fields, the system fields first.
    pub fn all(&self) -> impl Iterator<Item = &'static Field> + use<> {
        SYSTEM.iter().chain(self.fields)
    }

    /// How many fields there are in all.
    pub(crate) fn width(&self) -> usize {
        SYSTEM.len() + self.fields.len()
    }

    /// The position of a field in a record.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.all().position(|field| field.name == name)
    }

    /// The field at a position that [`position`](Self::position) gave.
    pub(crate) fn field(&self, position: usize) -> &'static Field {
        match SYSTEM.get(position) {
            Some(field) => field,
            None => &self.fields[position - SYSTEM.len()],
        }
    }
}

/// Everything the server serves.
pub static COMPONENTS: [Component; 5] = [
    Component {
        object: "Account",
        name: "Account",
        fields: &[
            text("Name", 100).required().indexed(),
            text("Location", 50),
            text("Type", 30),
            text("Account Status", 30),
            text("Main Phone Number", 40),
            text("Main Fax Number", 40),
            text("Home Page", 100),
            text("Street Address", 200),
            text("City", 50),
            text("State", 30),
            text("Postal Code", 30),
            text("Country", 30),
            integer("Number of Employees"),
            decimal("Annual Revenue"),
            text("Currency Code", 20),
            text("Description", 2000),
            link("Parent Account Id", "Account"),
        ],
        children: &["Contact", "Opportunity", "Action"],
    },
    Component {
        object: "Contact",
        name: "Contact",
        fields: &[
            text("First Name", 50),
            text("Last Name", 50).required().indexed(),
            text("Email Address", 100).indexed(),
            text("Work Phone #", 40),
            text("Cellular Phone #", 40),
            text("Job Title", 75),
            date("Birth Date"),
            boolean("Suppress All Emails"),
            link("Account Id", "Account").indexed(),
        ],
        children: &["Opportunity", "Action"],
    },
    Component {
        object: "Opportunity",
        name: "Opportunity",
        fields: &[
            text("Name", 100).required().indexed(),
            text("Sales Stage", 30),
            decimal("Primary Revenue Amount"),
            text("Currency Code", 20),
            date("Primary Revenue Close Date"),
            integer("Primary Revenue Win Probability"),
            text("Description", 2000),
            link("Account Id", "Account").indexed(),
            link("Key Contact Id", "Contact"),
            text("Opportunity Number", 30).written(Write::Computed),
        ],
        children: &["Action"],
    },
    Component {
        object: "Action",
        name: "Action",
        fields: &[
            text("Type", 30),
            text("Description", 250).required().indexed(),
            text("Comment", 2000),
            timestamp("Planned"),
            timestamp("Planned Completion"),
            timestamp("Due"),
            text("Status", 30),
            text("Priority", 30),
            boolean("Done Flag"),
            text("Activity UID", 30).written(Write::OnInsert).indexed(),
            link("Account Id", "Account").indexed(),
            link("Opportunity Id", "Opportunity"),
            link("Primary Contact Id", "Contact"),
        ],
        children: &[],
    },
    // No stock plugin covers this one: it is there for plugins that are written later.
    Component {
        object: "Task",
        name: "Task",
        fields: &[
            text("Name", 100).required().indexed(),
            text("Description", 2000),
            text("Priority", 30),
            timestamp("Due"),
            boolean("Done Flag"),
            link("Account Id", "Account").indexed(),
        ],
        children: &[],
    },
];

/// The component of a resource such as `Account/Account`.
pub(crate) fn resource(object: &str, name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.object == object && component.name == name)
}
