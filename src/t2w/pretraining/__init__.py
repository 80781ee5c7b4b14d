"""The commands that make the weights in `t2w/assets`. Nothing else imports this room."""
