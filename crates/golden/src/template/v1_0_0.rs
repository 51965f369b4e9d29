//! Template 1.0.0, file by file.

use super::Template;

macro_rules! files {
    ($part:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../template/1.0.0/", $part, "/", $path)))),+]
    };
}

pub(super) const TEMPLATE: Template<'static> = Template {
    version: "1.0.0",
    library: files!("library":
        "Chart.yaml",
        "values.yaml",
        "templates/_all.tpl",
        "templates/_config.tpl",
        "templates/_container.tpl",
        "templates/_deployment.tpl",
        "templates/_names.tpl",
        "templates/_network.tpl",
        "templates/_notes.tpl",
        "templates/_scale.tpl",
        "templates/_settings.tpl",
        "templates/_test.tpl",
    ),
    service: files!("service":
        ".helmignore",
        "Chart.lock",
        "Chart.yaml",
        "README.md",
        "application.yaml",
        "templates/NOTES.txt",
        "templates/all.yaml",
        "templates/tests/answers.yaml",
        "values-production.yaml",
        "values-staging.yaml",
        "values.schema.json",
        "values.yaml",
    ),
};
