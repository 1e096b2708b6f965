;;; scenarios.el --- halfwatt in a real Emacs by eglot alone  -*- lexical-binding: t -*-

;; Called by e2e/test_emacs.py: emacs --batch --load scenarios.el --funcall NAME.  There is no Emacs package of halfwatt: what
;; works here works with plain features of the Language Server Protocol.

(require 'cl-lib)
(require 'eglot)
(require 'json)

(defconst folder (file-name-as-directory (getenv "HALFWATT_TEST_FOLDER")))
(defconst server (append (json-parse-string (getenv "HALFWATT_TEST_SERVER")) nil))
(defconst limit-s 90)

(defconst stub "import os\n\n\ndef add(a: int, b: int) -> int:\n    \"\"\"Return the sum of a and b.\"\"\"\n    pass\n\n\ndef other():\n    return 1\n")

(defun until (what condition)
  "Wait until CONDITION gives non-nil; WHAT is told when it never does."
  (let ((end (+ (float-time) limit-s)) value)
    (while (not (setq value (funcall condition)))
      (when (> (float-time) end)
        (error "%s did not happen; the buffer:\n%s" what (buffer-string)))
      (accept-process-output nil 0.05))
    value))

(defun check (condition)
  (unless condition (error "not so; the buffer:\n%s" (buffer-string))))

(defun open-file (name text mode)
  "Make the file NAME with TEXT, open it in MODE, and connect eglot."
  (let ((file (concat folder name)) (coding-system-for-write 'utf-8-unix))
    (write-region text nil file nil 'silent)
    (switch-to-buffer (find-file-noselect file))
    (funcall mode)
    (buffer-enable-undo)
    (setq eglot-confirm-server-initiated-edits nil)
    (setq-local eglot-server-programs (list (cons mode server)))
    (apply #'eglot (eglot--guess-contact))
    (until "the connection" #'eglot-current-server)))

(defun take-code-action (title)
  "Take the code action TITLE at point, as `eglot-code-actions' does behind its question."
  (let ((action (cl-find title (eglot-code-actions (point)) :test #'equal :key (lambda (it) (plist-get it :title)))))
    (check action)
    (let ((command (plist-get action :command)))
      (eglot-execute-command (eglot-current-server) (intern (plist-get command :command)) (plist-get command :arguments)))))

;; The process with the model is held while something is typed: what happens meanwhile depends on no machine's speed.

(defun worker ()
  "The process that owns the model of this scenario's daemon; a first answer has been given."
  (let ((daemon (alist-get 'pid (json-read-file (concat (getenv "HALFWATT_HOME") "/run/daemon.json")))))
    (cl-find-if (lambda (pid)
                  (let ((facts (process-attributes pid)))
                    (and (equal (alist-get 'ppid facts) daemon)
                         (string-match-p "halfwatt\\.daemon\\.worker" (or (alist-get 'args facts) "")))))
                (list-system-processes))))

(defun tell-the-server ()
  "What eglot does when nothing was typed for half a second; an Emacs without a screen never counts as idle."
  (eglot--signal-textDocument/didChange))

(defun type-meanwhile (tell)
  "Generate `add', type above and below it while the model is held, and wait for the body.  TELL tells the server."
  (search-forward "pass")
  (let ((model (worker)))
    (signal-process model 'SIGSTOP)
    (unwind-protect
        (progn (take-code-action "Generate function 'add'")
               (goto-char (point-min))
               (insert "# above\n")
               (goto-char (point-max))
               (insert "# below\n")
               (funcall tell))
      (signal-process model 'SIGCONT)))
  (until "the body" (lambda () (string-match-p "return a \\+ b" (buffer-string))))
  (check (equal (buffer-string) (concat "# above\n" (string-replace "    pass" "    return a + b" stub) "# below\n"))))

(defun generates-a-function-and-undoes-it ()
  (open-file "a b é.py" stub #'python-mode)
  (search-forward "pass")
  (undo-boundary)
  (take-code-action "Generate function 'add'")
  (until "the body" (lambda () (string-match-p "\"\"\"\n    return a \\+ b\n\n\ndef other" (buffer-string))))
  (undo-boundary)
  (setq last-command nil)
  (undo)
  (check (equal (buffer-string) stub)))

(defun writes-the-function-that-a-call-misses ()
  (open-file "calls.py" "def main(radius: float) -> None:\n    print(circle_area(radius))\n" #'python-mode)
  (search-forward "circle_")
  (take-code-action "Generate function 'circle_area'")
  (until "the function" (lambda () (string-match-p "^def circle_area" (buffer-string))))
  (check (string-match-p "^    print(circle_area(radius))$" (buffer-string))))

(defun fills-a-javascript-function ()
  (open-file "a.js" "/** Returns the sum of a and b. */\nfunction add(a, b) {\n  // TODO\n}\n" #'js-mode)
  (search-forward "TODO")
  (take-code-action "Generate function 'add'")
  (until "the body" (lambda () (string-match-p "{\n  return a \\+ b;\n}\n" (buffer-string)))))

(defun keeps-what-is-typed-meanwhile ()
  (open-file "meanwhile.py" stub #'python-mode)
  (type-meanwhile #'tell-the-server))

(defun keeps-what-is-typed-just-before-the-answer ()
  "The server hears of it half a second after its answer, which eglot drops because it is for an older version."
  (open-file "just before.py" stub #'python-mode)
  (let* ((buffer (current-buffer))
         (tell (lambda () (with-current-buffer buffer (tell-the-server)))))
    (advice-add 'eglot--apply-workspace-edit :before (lambda (&rest _) (run-with-timer 0.5 nil tell)))
    (type-meanwhile #'ignore)))

(defun tells-why-by-a-plain-command ()
  (open-file "why.py" "x = 1\n" #'python-mode)
  (let ((answer (jsonrpc-request (eglot-current-server) :workspace/executeCommand
                                 '(:command "halfwatt.why" :arguments []))))
    (check (stringp (plist-get answer :text)))))

(defun says-why-there-is-nothing-to-generate ()
  (open-file "plain.py" "x = 1\n" #'python-mode)
  (check (null (eglot-code-actions (point))))
  (let ((said (condition-case failure
                  (eglot-execute-command (eglot-current-server) 'halfwatt.generate
                                         (vector (list :uri (eglot--path-to-uri buffer-file-name)
                                                       :position (list :line 0 :character 0))))
                (jsonrpc-error (format "%s" failure)))))
    (check (string-match-p "no function stub" said))))
