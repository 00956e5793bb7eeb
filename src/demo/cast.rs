//! Who and what the season is made of. All of it is invented; addresses are of domains that nobody can have.

/// A partner of the season with its only user.
pub(super) struct Company {
    pub name: &'static str,
    pub about: &'static str,
    pub email: &'static str,
    pub user: (&'static str, &'static str),
    pub address: &'static str,
    pub tags: &'static [&'static str],
    /// The fee on tickets that it sells itself, for an organizer.
    pub fee: &'static str,
}

/// The organizers; each has the place of the same number.
pub(super) const ORGANIZERS: [Company; 3] = [
    Company {
        name: "Театр «Дом у реки»",
        about: "Репертуарный театр: драма, комедия и утренники для детей",
        email: "kassa@dom-u-reki.example",
        user: ("Вера", "Полянская"),
        address: "Москва, Якорный спуск, 4",
        tags: &["театр", "детям"],
        fee: "0%",
    },
    Company {
        name: "Клуб «Полутон»",
        about: "Концерты пять вечеров в неделю",
        email: "hello@poluton.example",
        user: ("Глеб", "Островой"),
        address: "Санкт-Петербург, Литейщиков переулок, 11",
        tags: &["музыка", "концерты"],
        fee: "5%",
    },
    Company {
        name: "Арена «Три берега»",
        about: "Стадион на тридцать тысяч мест",
        email: "tickets@tri-berega.example",
        user: ("Тимур", "Сафаров"),
        address: "Казань, Набережная трёх берегов, 1",
        tags: &["спорт", "шоу"],
        fee: "3%",
    },
];

/// The agents.
pub(super) const AGENTS: [Company; 5] = [
    Company {
        name: "Билеторий",
        about: "Билеты в театры и на концерты, с доставкой",
        email: "partners@biletoriy.example",
        user: ("Ольга", "Верещагина"),
        address: "Москва, Сретенский тупик, 8",
        tags: &["театр", "концерты"],
        fee: "0%",
    },
    Company {
        name: "Касса у моста",
        about: "Двенадцать касс в переходах метро",
        email: "office@kassa-u-mosta.example",
        user: ("Пётр", "Лагутин"),
        address: "Санкт-Петербург, Понтонная улица, 2",
        tags: &["кассы"],
        fee: "0%",
    },
    Company {
        name: "Пятый ряд",
        about: "Подборки спектаклей и билеты на них",
        email: "we@fifth-row.example",
        user: ("Марина", "Эсаулова"),
        address: "Нижний Новгород, Театральный съезд, 15",
        tags: &["театр"],
        fee: "0%",
    },
    Company {
        name: "Ticket Heron",
        about: "Tickets for travellers, in English",
        email: "team@ticket-heron.example",
        user: ("Nora", "Whitlock"),
        address: "Tallinn, Heron Lane 3",
        tags: &["travel", "концерты"],
        fee: "0%",
    },
    Company {
        name: "Вечер в городе",
        about: "Афиша выходного дня",
        email: "editors@vecher-v-gorode.example",
        user: ("Артём", "Чижов"),
        address: "Казань, улица Гончаров, 21",
        tags: &["спорт", "концерты", "детям"],
        fee: "0%",
    },
];

/// The agent of the documentation, who comes after those.
const NANOBILET: usize = AGENTS.len();

/// A place of an organizer's.
pub(super) struct Place {
    pub name: &'static str,
    pub city: &'static str,
    pub address: &'static str,
    pub point: (&'static str, &'static str),
    /// What the plan of its hall is called; none where people stand.
    pub hall: Option<&'static str>,
    /// The sectors of the hall: name, rows, seats in each.
    pub sectors: &'static [(&'static str, usize, usize)],
}

/// The places, each of the organizer of the same number.
pub(super) const PLACES: [Place; 3] = [
    Place {
        name: "Дом у реки",
        city: "524901",
        address: "Якорный спуск, 4",
        point: ("37.6208", "55.7484"),
        hall: Some("Большая сцена"),
        sectors: &[("Партер", 14, 24), ("Амфитеатр", 6, 26), ("Балкон", 4, 27)],
    },
    Place {
        name: "Полутон",
        city: "498817",
        address: "Литейщиков переулок, 11",
        point: ("30.3483", "59.9391"),
        hall: None,
        sectors: &[],
    },
    Place {
        name: "Арена «Три берега»",
        city: "551487",
        address: "Набережная трёх берегов, 1",
        point: ("49.1233", "55.8204"),
        hall: Some("Чаша"),
        sectors: &[
            ("A1", 30, 50),
            ("A2", 30, 50),
            ("A3", 30, 50),
            ("A4", 30, 50),
            ("A5", 30, 50),
            ("B1", 30, 50),
            ("B2", 30, 50),
            ("B3", 30, 50),
            ("B4", 30, 50),
            ("B5", 30, 50),
            ("C1", 30, 50),
            ("C2", 30, 50),
            ("C3", 30, 50),
            ("C4", 30, 50),
            ("C5", 30, 50),
            ("D1", 30, 50),
            ("D2", 30, 50),
            ("D3", 30, 50),
            ("D4", 30, 50),
            ("D5", 30, 50),
        ],
    },
];

/// An event of the season.
pub(super) struct Show {
    pub org: usize,
    pub title: &'static str,
    pub about: &'static str,
    /// In how many days from today it takes place, from which hour UTC, for how many hours.
    pub when: (i64, i64, i64),
    pub age: i64,
    pub tags: &'static [&'static str],
    pub stands: Stands,
    pub sets: &'static [Places],
    pub deals: &'static [Offer],
    pub promocode: Option<(&'static str, &'static str, Takes)>,
}

/// Where an event stands today.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Draft,
    StandBy,
    Public,
    /// So many days ago the organizer cancelled it, and gave the money back the day after.
    CancelledBefore(i64),
}

/// A set, or one for each of several sectors. Of several prices the first holds while it is early, the last at the end.
pub(super) enum Places {
    /// Without seats.
    Standing(&'static str, i64, &'static [&'static str]),
    /// These rows of a sector.
    Rows(&'static str, usize, (usize, usize), &'static [&'static str]),
    /// All seats of these sectors, a set for each.
    Sectors((usize, usize), &'static [&'static str]),
}

/// What a promocode takes off.
pub(super) enum Takes {
    Percent(&'static str),
    Amount(&'static str),
}

/// A deal that an agent proposes.
pub(super) struct Offer {
    pub agent: usize,
    /// What the organizer gets.
    pub share: &'static str,
    /// What the agent adds.
    pub extra: &'static str,
    /// Whether the customer pays the platform's commission.
    pub pfc: bool,
    pub fate: Fate,
}

const fn offer(agent: usize, share: &'static str, extra: &'static str, fate: Fate) -> Offer {
    Offer { agent, share, extra, pfc: false, fate }
}

/// What comes of a proposal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    HandedOver,
    Accepted,
    Rejected,
    Withdrawn,
    Closed,
}

const DRAMA: &[Places] = &[
    Places::Rows("Партер, ряды 1–7", 0, (1, 7), &["3200", "3600"]),
    Places::Rows("Партер, ряды 8–14", 0, (8, 14), &["2400", "2700"]),
    Places::Rows("Амфитеатр", 1, (1, 6), &["1800"]),
    Places::Rows("Балкон", 2, (1, 4), &["900"]),
];
const CLUB: &[Places] = &[
    Places::Standing("Танцпол", 300, &["1200", "1500", "1900"]),
    Places::Standing("Балкон", 60, &["2200", "2500"]),
    Places::Standing("Место за столиком", 120, &["4000"]),
];

/// The events.
pub(super) const SHOWS: [Show; 13] = [
    Show {
        org: 0,
        title: "Три чайки",
        about: "Комедия в двух действиях о театре, который никак не закроется",
        when: (-9, 16, 3),
        age: 12,
        tags: &["театр", "комедия"],
        stands: Stands::Public,
        sets: DRAMA,
        deals: &[offer(0, "90", "10", Fate::Accepted), offer(2, "88", "5", Fate::Accepted)],
        promocode: None,
    },
    Show {
        org: 0,
        title: "Вишнёвая линия",
        about: "Драма о последнем трамвае",
        when: (6, 16, 3),
        age: 16,
        tags: &["театр", "драма"],
        stands: Stands::Public,
        sets: DRAMA,
        deals: &[
            offer(0, "90", "10", Fate::Accepted),
            offer(2, "88", "5", Fate::Accepted),
            offer(1, "70", "25", Fate::Rejected),
        ],
        promocode: Some(("TRAM", "Для постоянных зрителей", Takes::Percent("15%"))),
    },
    Show {
        org: 0,
        title: "Ревизия",
        about: "Ревизор приезжает в сельский клуб. Комедия",
        when: (13, 16, 2),
        age: 12,
        tags: &["театр", "комедия"],
        stands: Stands::Public,
        sets: DRAMA,
        deals: &[offer(0, "90", "10", Fate::Accepted), offer(3, "85", "12", Fate::Withdrawn)],
        promocode: None,
    },
    Show {
        org: 0,
        title: "Снежный телеграф",
        about: "Утренник для детей от шести лет",
        when: (34, 9, 2),
        age: 6,
        tags: &["театр", "детям"],
        stands: Stands::Public,
        sets: &[Places::Rows("Партер", 0, (1, 14), &["1100", "1300"]), Places::Rows("Амфитеатр", 1, (1, 6), &["800"])],
        deals: &[
            offer(4, "92", "8", Fate::Accepted),
            offer(2, "90", "5", Fate::HandedOver),
            offer(0, "90", "10", Fate::Open),
        ],
        promocode: None,
    },
    Show {
        org: 1,
        title: "Ночь винила",
        about: "Семь коллекций до утра",
        when: (-16, 18, 8),
        age: 18,
        tags: &["музыка", "вечеринки"],
        stands: Stands::Public,
        sets: CLUB,
        deals: &[offer(1, "85", "10", Fate::Accepted)],
        promocode: None,
    },
    Show {
        org: 1,
        title: "Тихий прибой. Акустика",
        about: "Первый акустический концерт группы",
        when: (4, 17, 3),
        age: 12,
        tags: &["музыка", "концерты"],
        stands: Stands::Public,
        sets: CLUB,
        deals: &[
            offer(1, "85", "10", Fate::Accepted),
            offer(3, "80", "15", Fate::Accepted),
            offer(4, "90", "5", Fate::Closed),
        ],
        promocode: Some(("PRIBOY", "Подписчикам рассылки", Takes::Amount("300"))),
    },
    Show {
        org: 1,
        title: "Copper Lanterns (UK)",
        about: "Folk-rock from Whitby, for one night",
        when: (18, 17, 3),
        age: 16,
        tags: &["музыка", "концерты"],
        stands: Stands::Public,
        sets: CLUB,
        deals: &[Offer { pfc: true, ..offer(3, "80", "15", Fate::Accepted) }, offer(0, "85", "10", Fate::Accepted)],
        promocode: None,
    },
    Show {
        org: 1,
        title: "Полярный джаз",
        about: "Квинтет Саввы Норда",
        when: (9, 17, 3),
        age: 12,
        tags: &["музыка", "джаз"],
        stands: Stands::CancelledBefore(6),
        sets: CLUB,
        deals: &[offer(1, "85", "10", Fate::Accepted)],
        promocode: None,
    },
    Show {
        org: 1,
        title: "Новый год в «Полутоне»",
        about: "Продажа начнётся, когда будет собрана программа",
        when: (70, 18, 8),
        age: 18,
        tags: &["вечеринки"],
        stands: Stands::StandBy,
        sets: &[Places::Standing("Стол на шестерых", 20, &["30000"])],
        deals: &[],
        promocode: None,
    },
    Show {
        org: 2,
        title: "Ледяная сказка",
        about: "Ледовое шоу с оркестром",
        when: (21, 15, 2),
        age: 0,
        tags: &["шоу", "детям"],
        stands: Stands::Public,
        sets: &[
            Places::Standing("Трибуна у льда", 400, &["2500", "2900"]),
            Places::Standing("Верхняя трибуна", 1200, &["1000", "1300"]),
        ],
        deals: &[offer(4, "93", "7", Fate::Accepted), offer(0, "90", "10", Fate::Accepted)],
        promocode: Some(("SKAZKA", "Семьям с детьми", Takes::Percent("20%"))),
    },
    Show {
        org: 2,
        title: "Матч звёзд: Волга — Кама",
        about: "Благотворительный матч ветеранов",
        when: (40, 16, 3),
        age: 6,
        tags: &["спорт", "футбол"],
        stands: Stands::Public,
        sets: &[
            Places::Sectors((0, 5), &["1500", "1800"]),
            Places::Sectors((5, 10), &["900", "1100"]),
            Places::Sectors((10, 15), &["1500", "1800"]),
            Places::Sectors((15, 20), &["600"]),
        ],
        deals: &[offer(4, "93", "7", Fate::Accepted), offer(1, "90", "8", Fate::Accepted)],
        promocode: None,
    },
    Show {
        org: 2,
        title: "Кубок трёх берегов. Финал",
        about: "Финал любительского кубка",
        when: (55, 14, 3),
        age: 6,
        tags: &["спорт", "футбол"],
        stands: Stands::Public,
        sets: &[Places::Standing("Свободная рассадка", 1500, &["400"]), Places::Standing("Ложа", 40, &["3500"])],
        deals: &[
            offer(NANOBILET, "88", "10", Fate::Accepted),
            offer(2, "95", "5", Fate::Open),
            offer(3, "60", "30", Fate::Rejected),
        ],
        promocode: None,
    },
    Show {
        org: 2,
        title: "Поле. Летний концерт",
        about: "Черновик: ждём подтверждения артистов",
        when: (95, 14, 6),
        age: 12,
        tags: &["музыка", "концерты"],
        stands: Stands::Draft,
        sets: &[Places::Standing("Поле", 1800, &["2000"])],
        deals: &[],
        promocode: None,
    },
];

/// Names, as they are written and as they stand in an address.
type Names = [(&'static str, &'static str); 14];

/// First and last names of customers.
pub(super) const WOMEN: (Names, Names) = (
    [
        ("Анна", "anna"),
        ("Мария", "maria"),
        ("Екатерина", "katya"),
        ("Наталья", "natalia"),
        ("Ирина", "irina"),
        ("Дарья", "daria"),
        ("Полина", "polina"),
        ("Светлана", "sveta"),
        ("Ксения", "ksenia"),
        ("Юлия", "yulia"),
        ("Алиса", "alisa"),
        ("Emma", "emma"),
        ("Зульфия", "zulfiya"),
        ("Софья", "sofia"),
    ],
    [
        ("Ковалёва", "kovaleva"),
        ("Зимина", "zimina"),
        ("Рощина", "roshchina"),
        ("Белозерова", "belozerova"),
        ("Градова", "gradova"),
        ("Лебедева", "lebedeva"),
        ("Мельник", "melnik"),
        ("Тихонова", "tikhonova"),
        ("Юсупова", "yusupova"),
        ("Савельева", "savelieva"),
        ("Hartley", "hartley"),
        ("Дронова", "dronova"),
        ("Крылова", "krylova"),
        ("Соболева", "soboleva"),
    ],
);
/// See [`WOMEN`].
pub(super) const MEN: (Names, Names) = (
    [
        ("Алексей", "alexey"),
        ("Дмитрий", "dmitry"),
        ("Иван", "ivan"),
        ("Сергей", "sergey"),
        ("Михаил", "mikhail"),
        ("Никита", "nikita"),
        ("Павел", "pavel"),
        ("Роман", "roman"),
        ("Ильдар", "ildar"),
        ("Фёдор", "fedor"),
        ("Константин", "kostya"),
        ("Oliver", "oliver"),
        ("Егор", "egor"),
        ("Лев", "lev"),
    ],
    [
        ("Ковалёв", "kovalev"),
        ("Зимин", "zimin"),
        ("Рощин", "roshchin"),
        ("Белозеров", "belozerov"),
        ("Градов", "gradov"),
        ("Лебедев", "lebedev"),
        ("Мельник", "melnik"),
        ("Тихонов", "tikhonov"),
        ("Юсупов", "yusupov"),
        ("Савельев", "saveliev"),
        ("Hartley", "hartley"),
        ("Дронов", "dronov"),
        ("Крылов", "krylov"),
        ("Соболев", "sobolev"),
    ],
);
