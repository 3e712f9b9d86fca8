"""Names that a tool, an editor or a build makes: a rule for them is there so that they stay out when they
come."""

from __future__ import annotations

_NAMES = frozenset(
    """.git .gitignore .gitattributes .gitmodules .github .gitlab-ci.yml .git* .svn .hg .DS_Store
    Thumbs.db .env .env* .env.* .env.local .env.*.local .envrc .direnv *.pem *.key *.p12 *.pfx *.tfstate
    *.tfstate* *.tfvars id_rsa* secrets .aws .ssh .npmrc .netrc .worktrees .claude .claude/worktrees
    .cursor Dockerfile Dockerfile* Dockerfile.* *.Dockerfile *.dockerfile dockerfile .dockerignore
    *.dockerignore compose.yaml compose.yml docker-compose.yml docker-compose.yaml docker-compose*
    docker-compose*.yml docker-compose*.yaml compose* compose*.yml compose*.yaml compose*.y*ml
    docker-compose*.y*ml compose.override.yaml .devcontainer .idea .vscode .vs *.swp *.swo *~ *.iml
    *.sublime-* .editorconfig .history *.bak *.orig *.tmp tmp temp tmp/* log logs log/* logs/* *.log *.pid
    *.seed .cache .coverage coverage coverage.xml .nyc_output htmlcov junit.xml node_modules
    bower_components jspm_packages npm-debug.log npm-debug.log* yarn-debug.log* yarn-error.log
    yarn-error.log* pnpm-debug.log* lerna-debug.log* .npm .yarn .yarn/cache .yarn/* .pnp.* .pnpm-store
    .eslintcache .stylelintcache *.tsbuildinfo .parcel-cache .next .nuxt .output .svelte-kit .turbo
    .vercel .netlify .angular .expo out build dist lib bin obj target public/build storybook-static
    .storybook .vite __pycache__ *.pyc *.pyo *.pyd *.py[co] *.py[cod] *$py.class .venv venv env ENV .tox
    .nox .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info *.egg .eggs pip-log.txt
    .ipynb_checkpoints *.sqlite3 db.sqlite3 media .python-version target/* *.rs.bk *.test *.out *.exe
    *.dll *.so *.dylib vendor *.class *.jar *.war .gradle .mvn .settings .classpath .project *.user *.suo
    *.userosscache packages .bundle vendor/bundle log/* tmp/* storage storage/* public/assets
    config/master.key config/credentials/*.key .byebug_history var storage/logs/* bootstrap/cache/*
    .phpunit.result.cache _build deps cover doc docs *.ez erl_crash.dump assets/node_modules
    priv/static/assets .elixir_ls .terraform .terraform.lock.hcl crash.log *.dart_tool .dart_tool .fleet
    charts helm k8s .circleci .travis.yml .gitlab-ci* Jenkinsfile README.md README* LICENSE *.md
    CHANGELOG.md Makefile .pre-commit-config.yaml test tests spec __tests__ *.test.* *.spec.*""".split()  # noqa: SIM905
)


def is_usual(pattern: str) -> bool:
    """Whether a pattern names what is usually made, at the root or at any depth."""
    name = pattern.removeprefix("**/").removesuffix("/**").removesuffix("/**/*")
    return (
        name in _NAMES
        or name.rpartition("/")[2] in _NAMES
        or name.startswith(".git/")
        or (name.startswith(".") and "/" not in name)
    )
